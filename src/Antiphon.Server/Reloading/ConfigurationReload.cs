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
    private readonly Action<ServerOptions> _applied;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly Lock _reloading = new();

    // Guarded by _reloading.
    private IReadOnlyList<string> _files;
    private FileStamps _seen;
    private FileStamps _last;

    /// <summary>Begins to look at the files.</summary>
    /// <param name="server">The server.</param>
    /// <param name="file">Its configuration file.</param>
    /// <param name="reading">What the server was started with.</param>
    /// <param name="applied">
    /// Is told the options that were read, once the server has taken them over; for what is not the server's, such as the level of the log.
    /// </param>
    /// <param name="options">The clock, and where the log goes.</param>
    public ConfigurationReload(
        ServerHost server, ConfigurationFile file, ConfigurationReading reading, Action<ServerOptions> applied, BrokerOptions options)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(reading);
        ArgumentNullException.ThrowIfNull(applied);
        ArgumentNullException.ThrowIfNull(options);
        _server = server;
        _file = file;
        _applied = applied;
        _logger = options.LoggerFactory.CreateLogger("Antiphon.Server");
        _files = reading.Files;
        _last = _seen = FileStamps.Of(_files);
        _timer = options.TimeProvider.CreateTimer(_ => Look(), null, Pause, Pause);
    }

    /// <summary>Reads the configuration again now.</summary>
    /// <returns>Whether the server has taken it over.</returns>
    public bool Reload()
    {
        lock (_reloading)
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
                var report = _server.Reload(options);
                _applied(options);
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

                return true;
            }
            catch (Exception changed) when (changed is BrokerStartException or ArgumentException)
            {
                // A file was replaced between two looks at it.
                LogMistake(_logger, changed.Message);
                LogKept(_logger, _file.Name);
                return false;
            }
        }
    }

    /// <summary>Looks no more.</summary>
    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    private void Look()
    {
        lock (_reloading)
        {
            try
            {
                var now = FileStamps.Of(_files);
                if (now != _seen && now == _last)
                {
                    Reload();
                }
                else
                {
                    _last = now;
                }
            }
            catch (Exception failure) when (failure is not OutOfMemoryException)
            {
                // On a timer's thread it would end the process: what was told the options threw,
                // or a part of the program cannot be loaded, since no file can be opened any more.
                LogFailed(_logger, failure);
            }
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
