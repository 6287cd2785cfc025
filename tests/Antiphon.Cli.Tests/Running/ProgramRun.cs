using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Antiphon.Tests.Running;

/// <summary>
/// A program that runs as a process of its own. Its lines can be waited for while it runs.
/// It is ended with the test, by its own process id.
/// Every wait gives up after half a minute and then says what the program has printed.
/// </summary>
internal sealed class ProgramRun : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly string _commandLine;
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private int _openStreams = 2;
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ProgramRun(Process process, string commandLine)
    {
        _process = process;
        _commandLine = commandLine;
    }

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>Starts a program.</summary>
    /// <param name="file">Its file, or its name on the PATH.</param>
    /// <param name="arguments">What it is told.</param>
    /// <param name="input">Its standard input; <c>null</c>: an empty one.</param>
    /// <param name="environment">What to add to its environment.</param>
    public static ProgramRun Start(
        string file, IEnumerable<string> arguments, string? input = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        var process = new Process { StartInfo = start };
        var run = new ProgramRun(process, $"{file} {string.Join(' ', start.ArgumentList)}");
        process.OutputDataReceived += (_, line) => run.Append(run._output, line.Data);
        process.ErrorDataReceived += (_, line) => run.Append(run._errors, line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        return run;
    }

    /// <summary>
    /// Starts a .NET program that was built beside the tests; for <c>antiphon</c>, the one that the variable
    /// <c>ANTIPHON_PROGRAM</c> names, if it is set.
    /// </summary>
    public static ProgramRun StartBuilt(
        string assembly, IEnumerable<string> arguments, string? input = null, IReadOnlyDictionary<string, string>? environment = null) =>
        assembly == "antiphon" && Environment.GetEnvironmentVariable("ANTIPHON_PROGRAM") is { Length: > 0 } program
            ? Start(program, arguments, input, environment)
            : Start("dotnet", [Path.Combine(AppContext.BaseDirectory, $"{assembly}.dll"), .. arguments], input, environment);

    /// <summary>Waits until a line of the standard output holds a text, and returns the line.</summary>
    public Task<string> OutputLineAsync(string text) => LineAsync(_output, text);

    /// <summary>Waits until a line of the standard error holds a text, and returns the line.</summary>
    public Task<string> ErrorLineAsync(string text) => LineAsync(_errors, text);

    /// <summary>Waits until the program has ended by itself.</summary>
    public async Task<Ending> EndAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"It did not end. {Story()}");
        }

        lock (_lock)
        {
            return new Ending(_process.ExitCode, _output.ToString(), _errors.ToString());
        }
    }

    /// <summary>Sends SIGINT, as Ctrl-C does.</summary>
    public Task InterruptAsync() => SignalAsync("INT");

    /// <summary>Sends SIGTERM, as a service manager does.</summary>
    public Task TerminateAsync() => SignalAsync("TERM");

    /// <summary>Sends SIGHUP, which asks a service to read its configuration again.</summary>
    public Task HangUpAsync() => SignalAsync("HUP");

    /// <summary>Sends SIGKILL, after which it does nothing more.</summary>
    public Task KillAsync() => SignalAsync("KILL");

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private async Task SignalAsync(string signal)
    {
        // The shell's own kill, since not every system has it as a program.
        using var kill = Process.Start("/bin/sh", ["-c", string.Create(CultureInfo.InvariantCulture, $"kill -{signal} {_process.Id}")]);
        await kill.WaitForExitAsync();
    }

    private void Append(StringBuilder text, string? line)
    {
        TaskCompletionSource news;
        lock (_lock)
        {
            if (line is not null)
            {
                text.Append(line).Append('\n');
            }
            else
            {
                _openStreams--;
            }

            news = _news;
            _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        news.SetResult();
    }

    private async Task<string> LineAsync(StringBuilder where, string text)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            Task news;
            lock (_lock)
            {
                if (where.ToString().Split('\n').FirstOrDefault(line => line.Contains(text, StringComparison.Ordinal)) is { } found)
                {
                    return found;
                }

                if (_openStreams == 0)
                {
                    throw new InvalidOperationException($"It ended without a line with «{text}». {Story()}");
                }

                news = _news.Task;
            }

            try
            {
                await news.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"It printed no line with «{text}». {Story()}");
            }
        }
    }

    private string Story()
    {
        lock (_lock)
        {
            return $"{_commandLine}\nstandard output:\n{_output}\nstandard error:\n{_errors}";
        }
    }
}

/// <summary>How a program ended, and all that it printed, lines ending in \n.</summary>
internal sealed record Ending(int ExitCode, string Output, string Errors)
{
    /// <summary>The lines of the standard output.</summary>
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
