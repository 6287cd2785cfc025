using Antiphon.Broker;
using Antiphon.Server.Configuration;
using Antiphon.Server.Reloading;
using Microsoft.Extensions.Logging;

namespace Antiphon.Server;

/// <summary>
/// Gives a running server what its configuration file says anew: when it is asked to, as by SIGHUP,
/// and when the file or one that it names has changed. What is wrong is logged, and the server keeps what it has. Safe from any thread.
/// </summary>
/// <remarks>
/// The files are looked at every two seconds: that notices a link that leads elsewhere, as certificates are often renewed,
/// and a file on a network share. Two looks have to agree, so that a file is not read while it is being written.
/// </remarks>
public sealed partial class ConfigurationReload : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private readonly ServerHost _server;
    private readonly ConfigurationFile _file;
    private readonly Func<ServerOptions, ServerOptions> _complete;
    private readonly Action<ServerOptions> _applied;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly SemaphoreSlim _reloading = new(1, 1);
    private Task _looking = Task.CompletedTask;

    // Guarded by _reloading.
    private IReadOnlyList<string> _files;
    private FileStamps _seen;
    private FileStamps _last;

    /// <summary>Begins to look at the files.</summary>
    /// <param name="server">The server.</param>
    /// <param name="file">Its configuration file.</param>
    /// <param name="reading">What the server was started with, without mistakes.</param>
    /// <param name="complete">
    /// Adds to what was read what the program has given the server at its start, such as the log and the clock, which are used here, too.
    /// </param>
    /// <param name="applied">
    /// Is told the options that were read, once the server has taken them over; for what is not the server's, such as the level of the log.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="reading"/> has no options.</exception>
    public ConfigurationReload(
        ServerHost server,
        ConfigurationFile file,
        ConfigurationReading reading,
        Func<ServerOptions, ServerOptions> complete,
        Action<ServerOptions> applied)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(reading);
        ArgumentNullException.ThrowIfNull(complete);
        ArgumentNullException.ThrowIfNull(applied);
        var options = complete(reading.Options ?? throw new ArgumentException("The reading has mistakes.", nameof(reading))).Broker;
        _server = server;
        _file = file;
        _complete = complete;
        _applied = applied;
        _logger = options.LoggerFactory.CreateLogger("Antiphon.Server");
        _files = reading.Files;
        _last = _seen = FileStamps.Of(_files);
        _timer = options.TimeProvider.CreateTimer(_ => Volatile.Write(ref _looking, LookAsync()), null, Pause, Pause);
    }

    /// <summary>The last look at the files; it never fails.</summary>
    internal Task Looking => Volatile.Read(ref _looking);

    /// <summary>Reads the configuration again now.</summary>
    /// <returns>Whether the server has taken it over. What went wrong is in the log.</returns>
    public async Task<bool> ReloadAsync()
    {
        await _reloading.WaitAsync();
        try
        {
            return await ReadAsync();
        }
        finally
        {
            _reloading.Release();
        }
    }

    /// <summary>Looks no more, and waits for a reload that has begun.</summary>
    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        await _reloading.WaitAsync();
        _reloading.Release();
    }

    private async Task LookAsync()
    {
        if (!await _reloading.WaitAsync(TimeSpan.Zero))
        {
            return;
        }

        try
        {
            var now = FileStamps.Of(_files);
            if (now != _seen && now == _last)
            {
                await ReadAsync();
            }
            else
            {
                _last = now;
            }
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // A part of the program cannot be loaded, for instance, since no file can be opened any more. The next look may do better.
            LogFailed(_logger, failure);
        }
        finally
        {
            _reloading.Release();
        }
    }

    private async Task<bool> ReadAsync()
    {
        var reading = _file.Read();

        // A file that is broken may not have come to name all of its files.
        _files = reading.Options is null ? [.. _files.Union(reading.Files)] : reading.Files;
        _last = _seen = FileStamps.Of(_files);
        if (reading.Options is not { } options)
        {
            foreach (var mistake in reading.Mistakes)
            {
                LogMistake(_logger, mistake.ToString());
            }

            LogKept(_logger, _file.Name);
            return false;
        }

        try
        {
            var report = await _server.ReloadAsync(_complete(options));
            _applied(options);
            Tell(report);
            return true;
        }
        catch (Exception refused) when (refused is BrokerStartException or ArgumentException)
        {
            // A file was replaced between two looks at it, or what is wanted does not do for the listeners that there are.
            LogMistake(_logger, refused.Message);
            LogKept(_logger, _file.Name);
        }
        catch (InvalidOperationException) when (_server.Completion.IsCompleted)
        {
            // The server has been stopped meanwhile.
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // What was told the options threw: nobody else hears of it, since whoever asks need not wait.
            LogFailed(_logger, failure);
        }

        return false;
    }

    private void Tell(ReloadReport report)
    {
        var news = string.Concat(report.Applied.Select(sentence => $" {sentence}"));
        LogReloaded(_logger, _file.Name, news);
        foreach (var warning in report.Warnings)
        {
            LogMistake(_logger, warning);
        }

        if (report.NeedsRestart.Count > 0)
        {
            var differences = string.Join(" ", report.NeedsRestart);
            LogNeedsRestart(_logger, differences);
        }
    }

    [LoggerMessage(EventId = 2004, Level = LogLevel.Information, Message = "Reloaded {Name}.{Applied}")]
    private static partial void LogReloaded(ILogger logger, string name, string applied);

    [LoggerMessage(EventId = 2005, Level = LogLevel.Warning, Message = "Takes effect at the next start: {Differences}")]
    private static partial void LogNeedsRestart(ILogger logger, string differences);

    [LoggerMessage(EventId = 2006, Level = LogLevel.Warning, Message = "{Mistake}")]
    private static partial void LogMistake(ILogger logger, string mistake);

    [LoggerMessage(EventId = 2008, Level = LogLevel.Error, Message = "A reload has failed.")]
    private static partial void LogFailed(ILogger logger, Exception failure);

    [LoggerMessage(EventId = 2007, Level = LogLevel.Error, Message = "Did not reload {Name}; everything stays as it is.")]
    private static partial void LogKept(ILogger logger, string name);
}
