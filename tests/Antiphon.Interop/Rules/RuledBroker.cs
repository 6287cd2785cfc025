using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Antiphon.Broker.Authentication;
using Antiphon.Client;
using Antiphon.Client.Tests.Peers;
using Antiphon.Interop.Libraries;
using Antiphon.Interop.Rules;
using Antiphon.Protocol;
using Antiphon.Protocol.Authentication;
using Antiphon.Protocol.Packets;
using Antiphon.Server.Tests.Peers;
using Antiphon.Tests.Running;

[assembly: AssemblyFixture(typeof(RuledBroker))]

namespace Antiphon.Interop.Rules;

/// <summary>
/// The program, run by a configuration file with the rules of <see cref="RuleTable"/>, and a client that sees every message.
/// It listens for TCP, TLS and WebSocket over TLS, and knows its users by passwords, tokens and certificates.
/// </summary>
public sealed class RuledBroker : IAsyncLifetime
{
    private const string Password = "secret";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("antiphon-rules-");
    private readonly Authority _authority = new();
    private readonly TokenIssuer _issuer = new();
    private readonly ConcurrentDictionary<string, Channel<string>> _heard = new();
    private readonly Dictionary<Way, int> _ports = [];
    private ProgramRun? _program;
    private string _token = "";

    /// <summary>A client that may do everything, in this process, over TCP.</summary>
    internal MqttClient Watcher { get; private set; } = null!;

    internal string CaFile => PathOf("ca.pem");

    internal int PortOf(Way way) => _ports[way];

    public async ValueTask InitializeAsync()
    {
        Write("ca.pem", _authority.Certificate.ExportCertificatePem());
        Issue("localhost", "server");
        Issue("device-7", "device-7");
        Write("users", ((string[])["ann", "bob", RuleTable.Watcher]).Aggregate(CredentialList.Empty, (users, name) =>
            users.With(name, ScramCredential.Derive(Encoding.UTF8.GetBytes(Password), new byte[16], ScramCredential.MinimumIterations)))
            .ToString());
        Write("issuer.json", _issuer.KeySet);
        var claims = TokenIssuer.Claims(TimeProvider.System.GetUtcNow().AddHours(1));
        claims["sub"] = "tess";
        claims["groups"] = new JsonArray("operators");
        claims["site"] = "north";
        _token = _issuer.Sign(claims);
        Write("antiphon.json", Configuration().ToJsonString());

        _program = Programs.StartAntiphon("broker", "--config", PathOf("antiphon.json"));
        foreach (var way in Enum.GetValues<Way>())
        {
            var url = $"listening {SchemeOf(way)}://127.0.0.1:";
            var rest = (await _program.OutputLineAsync(url))[url.Length..];
            _ports[way] = int.Parse(rest.Split('/')[0], CultureInfo.InvariantCulture);
        }

        Watcher = await MqttClient.ConnectAsync(new MqttClientOptions
        {
            Host = "127.0.0.1",
            Port = PortOf(Way.Tcp),
            UserName = RuleTable.Watcher,
            Password = Encoding.UTF8.GetBytes(Password),
        });
        await Watcher.SubscribeRawAsync("#", (in PublishView message, in Acknowledgement acknowledgement) =>
        {
            var heard = message.ToMessage();
            HeardOf(Encoding.UTF8.GetString(heard.Payload.Span)).Writer.TryWrite(heard.Topic);
            acknowledgement.Complete();
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (Watcher is not null)
        {
            await Watcher.DisposeAsync();
        }

        if (_program is not null)
        {
            await _program.DisposeAsync();
        }

        _issuer.Dispose();
        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    /// <summary>How a visitor connects.</summary>
    internal Connecting Invite(Visitor visitor, string peer, Way way, ProtocolVersion version) => new()
    {
        Version = version,
        ClientId = RuleTable.ClientIdOf(visitor, peer, way, version),
        Scheme = SchemeOf(way),
        CaFile = way == Way.Tcp ? null : CaFile,
        Own = visitor == Visitor.Device ? (PathOf("device-7.pem"), PathOf("device-7.key")) : null,
        UserName = visitor switch
        {
            Visitor.Ann or Visitor.Bob => RuleTable.UserOf(visitor),

            // Nobody looks at it, and MQTT 3.1.1 sends no password without one.
            Visitor.Tess => "anybody",
            _ => null,
        },
        Password = visitor switch
        {
            Visitor.Ann or Visitor.Bob => Password,
            Visitor.Tess => _token,
            _ => null,
        },
    };

    /// <summary>
    /// The topics of the messages whose payload is this one, up to and without the last.
    /// A client's messages come in the order in which it has published them, so what is not there by then does not come.
    /// </summary>
    internal async Task<IReadOnlyList<string>> HeardUntilAsync(string payload, string last)
    {
        using var patience = new CancellationTokenSource(Peers.Patience);
        var topics = new List<string>();
        while (await HeardOf(payload).Reader.ReadAsync(patience.Token) is var topic && topic != last)
        {
            topics.Add(topic);
        }

        return topics;
    }

    private static string SchemeOf(Way way) => way switch
    {
        Way.Tcp => "mqtt",
        Way.Tls => "mqtts",
        _ => "wss",
    };

    private static JsonObject Configuration()
    {
        var (groups, rules) = RuleTable.Configuration();
        return new JsonObject
        {
            ["listeners"] = new JsonArray(
                new JsonObject { ["url"] = "mqtt://127.0.0.1:0" }, Encrypted("mqtts://127.0.0.1:0"), Encrypted("wss://127.0.0.1:0/mqtt")),
            ["allowAnonymous"] = true,
            ["users"] = new JsonObject { ["passwordFile"] = "users" },
            ["jwt"] = new JsonObject
            {
                ["keys"] = "issuer.json",
                ["issuer"] = "https://issuer.example",
                ["audience"] = "broker",
                ["groupsClaim"] = "groups",
            },
            ["groups"] = groups,
            ["rules"] = rules,
        };
    }

    private static JsonObject Encrypted(string url) => new()
    {
        ["url"] = url,
        ["certificate"] = "server.pem",
        ["key"] = "server.key",
        ["clientCertificates"] = "ask",
        ["clientCa"] = "ca.pem",
        ["userFrom"] = "cn",
    };

    private string PathOf(string file) => Path.Combine(_folder.FullName, file);

    private void Write(string file, string text) => File.WriteAllText(PathOf(file), text);

    /// <summary>Writes a certificate and its key to FILE.pem and FILE.key.</summary>
    private void Issue(string name, string file)
    {
        var certificate = _authority.Issue(name);
        Write($"{file}.pem", certificate.ExportCertificatePem());
        using var key = certificate.GetECDsaPrivateKey()!;
        Write($"{file}.key", key.ExportPkcs8PrivateKeyPem());
    }

    private Channel<string> HeardOf(string payload) => _heard.GetOrAdd(payload, _ => Channel.CreateUnbounded<string>());
}
