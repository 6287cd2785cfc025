using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Threading.Channels;

namespace Antiphon.Interop.Libraries;

/// <summary>
/// A program that makes clients of its library do what it is told. Paho/peer.py and MqttJs/peer.mjs serve all tests of their library,
/// PahoC/peer.c serves one client. The program ends with its input.
/// Each command is a <see cref="Line"/> with <c>id</c>, <c>do</c> and <c>client</c>, a name that the tests choose:
/// <list type="bullet">
/// <item><c>connect</c>: port, version (4 or 5), clientId, clean, and of MQTT 5 sessionExpiry, receiveMaximum, maximumPacketSize,
/// topicAliasMaximum, requestResponseInformation. A Will's keys begin with <c>will.</c>.
/// Further userName and password, and, for all but Paho C, scheme (mqtt, mqtts or wss), ca, certificate and key, which are names of files.
/// The answer has reason, sessionPresent and responseInformation.
/// A client that connects again is the same object of its library, with its Session.</item>
/// <item><c>subscribe</c>: filter, qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifier; the answer has reason.
/// <c>unsubscribe</c>: filter.</item>
/// <item><c>publish</c>: topic, payload, qos, retain, payloadFormat, messageExpiry, contentType, responseTopic, correlationData,
/// user (NAME=VALUE, more than once), topicAlias. The answer comes when the library says that it is done.</item>
/// <item><c>disconnect</c>: reason. <c>forget</c>: the client is needed no more.</item>
/// </list>
/// The answer to a command has its <c>id</c>, and <c>error</c> where it failed.
/// Beside answers there come <c>event=message</c>, with the keys of a message, dup and subscriptionIdentifier,
/// and <c>event=closed</c>, with the reason in the server's DISCONNECT.
/// </summary>
internal sealed class PeerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentDictionary<string, TaskCompletionSource<Line>> _answers = new();
    private readonly ConcurrentDictionary<string, ChannelWriter<Line>> _events = new();
    private readonly Lock _writing = new();
    private readonly StringBuilder _errors = new();
    private long _lastId;

    private PeerProcess(Process process) => _process = process;

    public static PeerProcess Start(string file, params string[] arguments)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var peer = new PeerProcess(new Process { StartInfo = start });
        peer._process.OutputDataReceived += (_, line) => peer.Take(line.Data);
        peer._process.ErrorDataReceived += (_, line) => peer.TakeError(line.Data);
        peer._process.Start();
        peer._process.BeginOutputReadLine();
        peer._process.BeginErrorReadLine();
        return peer;
    }

    /// <summary>What happens to a client from now on.</summary>
    public ChannelReader<Line> Listen(string client)
    {
        var channel = Channel.CreateUnbounded<Line>();
        _events[client] = channel.Writer;
        return channel.Reader;
    }

    /// <summary>Gives a command, and waits for the answer.</summary>
    public async Task<Line> CallAsync(string client, string command, Line arguments)
    {
        var id = Interlocked.Increment(ref _lastId).ToString(CultureInfo.InvariantCulture);
        var answer = new TaskCompletionSource<Line>(TaskCreationOptions.RunContinuationsAsynchronously);
        _answers[id] = answer;
        Line line;
        try
        {
            lock (_writing)
            {
                _process.StandardInput.WriteLine(
                    $"{new Line().Add("id", id).Add("do", command).Add("client", client)}&{arguments}".TrimEnd('&'));
                _process.StandardInput.Flush();
            }

            line = await answer.Task.WaitAsync(Peers.Patience);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"No answer to {command}. Its standard error: {Errors()}");
        }
        catch (IOException gone)
        {
            throw new InvalidOperationException($"The program has ended. Its standard error: {Errors()}", gone);
        }
        finally
        {
            _answers.TryRemove(id, out _);
        }

        return line.Find("error") is { } error ? throw new InvalidOperationException($"{command}: {error}") : line;
    }

    /// <summary>Tells the program that a client is needed no more.</summary>
    public async Task ForgetAsync(string client)
    {
        await CallAsync(client, "forget", new Line());
        if (_events.TryRemove(client, out var events))
        {
            events.TryComplete();
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            _process.StandardInput.Close();
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }
        catch (IOException)
        {
            // It has ended by itself, which the test that met it first has told.
        }

        _process.Dispose();
    }

    private void Take(string? text)
    {
        if (text is null)
        {
            foreach (var answer in _answers.Values)
            {
                answer.TrySetException(new InvalidOperationException($"The program has ended. Its standard error: {Errors()}"));
            }

            return;
        }

        var line = Line.Parse(text);
        if (line.Find("event") is not null)
        {
            if (_events.TryGetValue(line.Need("client"), out var events))
            {
                events.TryWrite(line);
            }
        }
        else if (_answers.TryGetValue(line.Need("id"), out var answer))
        {
            answer.TrySetResult(line);
        }
    }

    private void TakeError(string? line)
    {
        lock (_errors)
        {
            _errors.Append(line).Append('\n');
        }
    }

    private string Errors()
    {
        lock (_errors)
        {
            return _errors.ToString();
        }
    }
}
