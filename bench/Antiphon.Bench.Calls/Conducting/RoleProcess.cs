using System.Diagnostics;
using System.Globalization;
using System.Text;
using Antiphon.Bench.Calls.Roles;

namespace Antiphon.Bench.Calls.Conducting;

/// <summary>A requester's or responder's process. Disposing ends its input, and so the process.</summary>
internal sealed class RoleProcess : IDisposable
{
    private const int EndLimitMilliseconds = 5000;
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(30);

    private readonly string _name;
    private readonly Process _process;
    private readonly StringBuilder _errors = new();

    private RoleProcess(CallPeer peer, string role, IEnumerable<int> numbers)
    {
        _name = $"{peer.Name}'s {role}";
        var arguments = numbers.Select(number => number.ToString(CultureInfo.InvariantCulture));
        _process = new Process
        {
            StartInfo = new ProcessStartInfo("dotnet", [peer.Program, Role.Word, role, peer.Library, .. arguments])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
    }

    public int Id => _process.Id;

    /// <summary>What it said when it was ready: for a responder the port at which requesters find it.</summary>
    public int Port { get; private set; }

    public static async Task<RoleProcess> StartAsync(CallPeer peer, string role, IEnumerable<int> numbers, CancellationToken interrupted)
    {
        var process = new RoleProcess(peer, role, numbers);
        try
        {
            process._process.Start();
            process._process.BeginErrorReadLine();
            var line = await process.HearAsync(interrupted);
            process.Port = line.Split(' ') switch
            {
                ["ready"] => 0,
                ["ready", var port] => int.Parse(port, CultureInfo.InvariantCulture),
                _ => throw new BenchException($"{process._name} said «{line}» instead of «ready»."),
            };
            return process;
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>Says a word, and waits for the word that answers it.</summary>
    public async Task SayAsync(string word, string expected, CancellationToken interrupted)
    {
        var answer = await AskAsync(word, interrupted);
        if (answer != expected)
        {
            throw new BenchException(answer);
        }
    }

    public async Task<Snapshot> SnapshotAsync(CancellationToken interrupted) => Snapshot.Parse(await AskAsync("snapshot", interrupted));

    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
            if (!_process.WaitForExit(EndLimitMilliseconds))
            {
                _process.Kill();
                _process.WaitForExit();
            }
        }
        catch (Exception failure) when (failure is InvalidOperationException or IOException)
        {
            // It was never started, or its input is gone with it.
        }

        _process.Dispose();
    }

    private async Task<string> AskAsync(string word, CancellationToken interrupted)
    {
        try
        {
            await _process.StandardInput.WriteLineAsync(word.AsMemory(), interrupted);
            await _process.StandardInput.FlushAsync(interrupted);
        }
        catch (IOException)
        {
            throw await EndedAsync(interrupted);
        }

        return await HearAsync(interrupted);
    }

    private async Task<string> HearAsync(CancellationToken interrupted)
    {
        try
        {
            var reading = _process.StandardOutput.ReadLineAsync(interrupted).AsTask();
            return await reading.WaitAsync(AnswerLimit, TimeProvider.System, interrupted) ?? throw await EndedAsync(interrupted);
        }
        catch (TimeoutException)
        {
            throw new BenchException($"{_name} said nothing for {AnswerLimit.TotalSeconds} s.{Errors()}");
        }
    }

    private async Task<BenchException> EndedAsync(CancellationToken interrupted)
    {
        await _process.WaitForExitAsync(interrupted);
        return new BenchException($"{_name} has ended with {_process.ExitCode}.{Errors()}");
    }

    private string Errors()
    {
        lock (_errors)
        {
            return _errors.Length > 0 ? $" It said: {_errors.ToString().Trim()}" : "";
        }
    }

    private void Hear(string? line)
    {
        lock (_errors)
        {
            if (line is not null && _errors.Length < 2000)
            {
                _errors.AppendLine(line);
            }
        }
    }
}
