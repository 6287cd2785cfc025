using Antiphon.Cli.Administration;
using Antiphon.Cli.Connecting;
using Antiphon.Cli.Output;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Rpc;

namespace Antiphon.Cli.CommandLine;

/// <summary>What went wrong: for scripts a code and a word, for people a sentence that says what was seen and what to do.</summary>
/// <param name="ExitCode">How the program ends because of it.</param>
/// <param name="Name">The word for it in JSON and in summaries.</param>
/// <param name="Sentence">The sentence.</param>
internal readonly record struct Failure(ExitCode ExitCode, string Name, string Sentence)
{
    public static Failure From(Exception exception, CancellationToken interrupted) => exception switch
    {
        OperationCanceledException when interrupted.IsCancellationRequested => new(ExitCode.Interrupted, "interrupted", "Interrupted."),
        OutputLostException lost => new(lost.ReaderIsGone ? ExitCode.ReaderGone : ExitCode.Other, "output", exception.Message),
        UsageException => new(ExitCode.Usage, "usage", exception.Message),
        ConnectFailedException failed => FromConnect(failed),
        AdminFailedException failed => new(failed.ExitCode, failed.Name, failed.Message),
        NoResponderException => new(
            ExitCode.NoResponder,
            "no-responder",
            $"{exception.Message} Start a responder that subscribes to the topic, or check the topic's spelling."),
        RequestTimeoutException => new(
            ExitCode.Timeout, "timeout", $"{exception.Message} If the responder needs longer, raise --timeout."),
        RemoteErrorException => new(ExitCode.RemoteError, "remote-error", exception.Message),
        RequestRefusedException refused => new(ExitCodeOf(refused.ReasonCode), "refused", exception.Message),
        RefusedException refused => new(ExitCodeOf(refused.ReasonCode), "refused", exception.Message),
        RequestNotSentException => new(ExitCode.Other, "not-sent", exception.Message),
        OutcomeUnknownException => new(ExitCode.Connect, "outcome-unknown", exception.Message),
        ResponderGoneException => new(ExitCode.Other, "responder-gone", exception.Message),
        ConnectionException lost => new(
            lost.ReasonCode is { } code ? ExitCodeOf(code, ExitCode.Connect) : ExitCode.Connect,
            "connection",
            InWordsOfTheCommandLine(lost)),
        ArgumentException argument => new(ExitCode.Usage, "usage", Values.WithoutParameter(argument)),
        _ => new(ExitCode.Other, "other", exception.Message),
    };

    /// <summary>A gathered reply that is an error.</summary>
    public static Failure From(Response error) =>
        new(
            ExitCode.RemoteError,
            "remote-error",
            $"A responder answered with error {error.Status}"
            + $"{(error.StatusMessage is null ? "" : $": {error.StatusMessage.TrimEnd('.')}")}.");

    // What the client says and advises, in the words of the command line.
    private static readonly (string Option, string OnTheCommandLine)[] Advice =
    [
        ("The client has stopped. ", ""),
        ("set Tls.CertificateAuthorities", "give it with --cafile"),
        ("set Tls.ClientCertificateContext", "give one with --cert and --key"),
        (", or set Tls.TargetHost", ""),
        ("not plain MQTT; set Tls", "not plain MQTT; use --tls"),
        ("set WebSocket", "give its address with --url ws://HOST:PORT/PATH"),
    ];

    private static Failure FromConnect(ConnectFailedException failed)
    {
        var options = failed.Options;
        var broker = options.Server;
        if (failed.Reason is not { FromServer: true, ReasonCode: { } code })
        {
            var cause = InWordsOfTheCommandLine(failed.Reason.InnerException ?? failed.Reason).TrimEnd('.');
            var where = cause.Contains(broker, StringComparison.Ordinal) ? "" : $" to {broker}";

            // Without an error of the network, something listens there.
            var advice = options.Tls is not null || options.WebSocket is not null
                ? "Check the address, and that the broker listens there in this way."
                : failed.Reason.InnerException is null
                    ? "Check that an MQTT broker listens there, and --host and --port."
                    : $"Check --host and --port, or start a broker: antiphon broker --port {options.ServerPort}";
            return new(ExitCode.Connect, "connect", $"No connection{where}: {cause}{(cause.EndsWith('?') ? "" : ".")} {advice}");
        }

        var exitCode = ExitCodeOf(code, ExitCode.Connect);
        var said = failed.Reason.ReasonString is { Length: > 0 } reason ? $": {reason.TrimEnd('.')}" : "";
        var more = failed.Reason.ServerReference is { } other ? $" It names another broker: {other}."

            // A broker that says what is wrong, such as with a token, knows better what to check.
            : code == ReasonCode.BadUserNameOrPassword || (exitCode == ExitCode.Denied && (said.Length == 0 || IsAnonymous(options)))
                ? WhatToCheck(options)
            : "";
        return new(
            exitCode,
            exitCode == ExitCode.Denied ? "denied" : "connect",
            $"{broker} refused the connection: 0x{(byte)code:X2} {code}{said}.{more}");
    }

    private static bool IsAnonymous(MqttClientOptions options) =>
        options is { UserName: null, Password: null, Authentication: null, Tls: not { ClientCertificateContext: not null } };

    private static string WhatToCheck(MqttClientOptions options) => options switch
    {
        _ when IsAnonymous(options) => " Say who you are with --username, and the password in ANTIPHON_PASSWORD or by --password-file.",
        { UserName: not null, Password: null, Authentication: null } =>
            " No password was given: put it into ANTIPHON_PASSWORD, or into a file for --password-file.",
        _ => " Check --username and the password.",
    };

    private static string InWordsOfTheCommandLine(Exception reason) => Advice.Aggregate(
        reason.Message, (text, advice) => text.Replace(advice.Option, advice.OnTheCommandLine, StringComparison.Ordinal));

    private static ExitCode ExitCodeOf(ReasonCode code, ExitCode otherwise = ExitCode.Other) =>
        code is ReasonCode.NotAuthorized or ReasonCode.BadUserNameOrPassword or ReasonCode.Banned or ReasonCode.BadAuthenticationMethod
            ? ExitCode.Denied
            : otherwise;
}
