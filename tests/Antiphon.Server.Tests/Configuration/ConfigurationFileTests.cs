using System.Net;
using Antiphon.Broker;
using Antiphon.Protocol;
using Antiphon.Server.Configuration;
using Antiphon.Server.Tests.Peers;
using Microsoft.Extensions.Logging;

namespace Antiphon.Server.Tests.Configuration;

public sealed class ConfigurationFileTests : IDisposable
{
    private readonly CertificateFolder _folder = new();

    /// <summary>A file each, and every line that is said about it, without the folder.</summary>
    public static TheoryData<string, string[]> Mistakes => new()
    {
        { "", ["1:1: error: The file is empty; a configuration without settings is {}."] },
        { "[]", ["1:1: error: The configuration is a list; it has to be an object, which stands in { }."] },
        {
            "{\n  \"limits\": { \"connections\": 5, }\n  \"log\": {}\n}",
            ["3:3: error: This is no JSON: '\"' is invalid after a value. Expected either ',', '}', or ']'."]
        },
        { "{} x", ["1:4: error: This is no JSON: 'x' is invalid after a single JSON value. Expected end of data."] },
        {
            "{\n  // Umlauts count as one column: «ä».\n  /* ä */ \"limitz\": {},\n"
                + "  \"limits\": { \"conections\": 1, \"Qos\": 1, \"nonsense\": 1 }\n}",
            [
                "3:11: error: There is no setting «limitz»; do you mean «limits»?",
                "4:15: error: There is no setting «limits.conections»; do you mean «connections»?",
                "4:32: error: There is no setting «limits.Qos»; do you mean «qos»?",
                "4:42: error: There is no setting «limits.nonsense»; there are connections, connectionsPerAddress, *",
            ]
        },
        {
            "{ \"allowAnonymous\": \"yes\", \"allowAnonymous\": true, \"limits\": [], \"log\": { \"level\": \"loud\", \"format\": 1 } }",
            [
                "1:21: error: «allowAnonymous» is the text «yes»; it has to be true or false.",
                "1:28: error: «allowAnonymous» stands at antiphon.json:1:3 already.",
                "1:62: error: «limits» is a list; it has to be an object, which stands in { }.",
                "1:84: error: «log.level» is the text «loud»; it has to be \"debug\" or \"info\" or \"warning\" or \"error\" or \"none\".",
                "1:102: error: «log.format» is 1; it has to be \"text\" or \"json\" or \"systemd\".",
            ]
        },
        {
            "{ \"limits\": { \"connections\": 0, \"qos\": 2.5, \"packetSize\": \"1\", \"retain\": null, "
                + "\"closeTimeout\": -1, \"sessions\": true,\n"
                + "\"queueOverflow\": \"all\", \"connectTimeout\": 86401, \"receiveMaximum\": {} } }",
            [
                "1:30: error: «limits.connections» is 0; it has to be a whole number from 1 to 2147483647.",
                "1:40: error: «limits.qos» is 2.5; it has to be a whole number from 0 to 2.",
                "1:59: error: «limits.packetSize» is the text «1»; it has to be a whole number from 64 to 4294967295.",
                "1:74: error: «limits.retain» is null; it has to be true or false.",
                "1:96: error: «limits.closeTimeout» is -1; it has to be a number of seconds from 0.001 to 86400.",
                "1:112: error: «limits.sessions» is true; it has to be a whole number from 1 to 2147483647.",
                "2:18: error: «limits.queueOverflow» is the text «all»; it has to be \"newest\" or \"oldest\".",
                "2:43: error: «limits.connectTimeout» is 86401; it has to be a number of seconds from 0.001 to 86400.",
                "2:68: error: «limits.receiveMaximum» is an object; it has to be a whole number from 1 to 65535.",
            ]
        },
        {
            """
            { "listeners": [
              { "url": "tcp://127.0.0.1:1883" },
              { "url": "mqtt://127.0.0.1:70000" },
              { "url": "mqtt://example.org" },
              { "url": "mqtt://127.0.0.1/mqtt" },
              { "url": "ws://127.0.0.1:80/mqtt?x=1" },
              { "url": "mqtt://::1:1883" },
              { "name": "nameless" },
              { "url": "" }, 5
            ] }
            """,
            [
                "2:12: error: «listeners[0].url»: «tcp://127.0.0.1:1883» does not begin with mqtt://, mqtts://, ws:// or wss://; *",
                "3:12: error: «listeners[1].url»: «70000» in «mqtt://127.0.0.1:70000» is not a port; *",
                "4:12: error: «listeners[2].url»: «example.org» in «mqtt://example.org» is not an IP address to listen on; *",
                "5:12: error: «listeners[3].url»: «mqtt://127.0.0.1/mqtt» has a path, which only WebSockets have.",
                "6:12: error: «listeners[4].url»: «ws://127.0.0.1:80/mqtt?x=1» has a query or a fragment; *",
                "7:12: error: «listeners[5].url»: The IPv6 address in «mqtt://::1:1883» has to stand in brackets, *",
                "8:3: error: «listeners[6].url» is missing.",
                "9:12: error: «listeners[7].url» is the text «»; it has to be a text with something in it.",
                "9:18: error: «listeners[8]» is 5; it has to be an object, which stands in { }.",
            ]
        },
        {
            """
            { "listeners": [
              { "url": "mqtts://127.0.0.1:8883" },
              { "url": "ws://127.0.0.1:80", "key": "a.key", "clientCertificates": "ask" },
              { "url": "mqtt://0.0.0.0:1883" },
              { "url": "mqtt://127.0.0.1:1", "name": "two" },
              { "url": "mqtt://127.0.0.1:2", "name": "two" },
              { "url": "mqtt://127.0.0.1:1", "name": "three" }
            ] }
            """,
            [
                "2:12: error: «listeners[0].certificate» is missing: «mqtts://127.0.0.1:8883» is encrypted.",
                "3:33: error: «listeners[1].key» is for mqtts:// and wss:// only; «ws://127.0.0.1:80» is not encrypted.",
                "3:49: error: «listeners[1].clientCertificates» is for mqtts:// and wss:// only; «ws://127.0.0.1:80» is not encrypted.",
                "4:12: error: «mqtt://0.0.0.0:1883» is open to other machines, and nobody asks who they are: *",
                "6:42: error: The listener at antiphon.json:5:42 has the name «two» too; each has one of its own.",
                "7:12: error: The listener at antiphon.json:5:12 listens on 127.0.0.1:1 too; each has an address of its own.",
            ]
        },
        {
            """
            { "allowAnonymous": true, "listeners": [
              { "url": "mqtt://127.0.0.1:1" }, { "url": "mqtt://[::1]:1" }, { "url": "mqtt://0.0.0.0:2" },
              { "url": "mqtt://0.0.0.0:1" },
              { "url": "mqtt://[::]:2" }
            ] }
            """,
            [
                "3:12: error: The listener at antiphon.json:2:12 listens on 127.0.0.1:1, and so on 0.0.0.0:1 too; *",
                "4:12: error: The listener at antiphon.json:2:74 listens on 0.0.0.0:2, and so on [::]:2 too; *",
            ]
        },
        {
            """
            { "users": { "passwordFile": "missing" },
              "listeners": [
              { "url": "mqtts://127.0.0.1:1", "certificate": "missing.pem", "key": "one.key", "clientCa": "one.key" },
              { "url": "mqtts://127.0.0.1:2", "certificate": "one.pem", "key": "two.key", "clientCertificates": "require" },
              { "url": "mqtts://127.0.0.1:3", "certificate": "one.pem" },
              { "url": "mqtts://127.0.0.1:4", "certificate": "one.pem", "key": "one.key",
                "moreCertificates": [ { "certificate": "two.pem", "key": "one.key" }, { "certificate": "text" }, { "key": "one.key" } ] },
              { "url": "mqtts://127.0.0.1:5", "certificate": "secret.pem" },
              { "url": "mqtts://127.0.0.1:6", "certificate": "secret.pem", "keyPasswordFile": "text" },
              { "url": "mqtts://127.0.0.1:7", "certificate": "text", "key": "one.key" }
            ] }
            """,
            [
                "1:30: error: The password file «…/missing» cannot be read: *",
                "3:50: error: The file «…/missing.pem» cannot be read: *",
                "3:95: error: «listeners[0].clientCa» is of no use: *",
                "3:95: error: The file «…/one.key» has no certificate in it (-----BEGIN CERTIFICATE-----).",
                "4:68: error: The private key in «…/two.key» is not that of the certificate in «…/one.pem».",
                "4:101: error: «listeners[1].clientCa» is missing: *",
                "5:50: error: The file «…/one.pem» has no private key in it (-----BEGIN PRIVATE KEY-----).",
                "7:62: error: The private key in «…/one.key» is not that of the certificate in «…/two.pem».",
                "7:92: error: The file «…/text» is neither PEM nor a PFX file that opens without a password: *",
                "7:102: error: «listeners[3].moreCertificates[2].certificate» is missing.",
                "8:50: error: The private key in «…/secret.pem» is encrypted, and no password file is named.",
                "9:50: error: The private key in «…/secret.pem» cannot be decrypted with the password.",
                "10:65: error: The file «…/text» is no PEM file, so it brings its private key along: name no key.",
            ]
        },
        {
            """
            { "listeners": [
              { "url": "mqtts://127.0.0.1:1", "certificate": "expired.pem", "key": "expired.key" },
              { "url": "mqtts://127.0.0.1:2", "certificate": "soon.pem", "key": "soon.key" },
              { "url": "mqtts://127.0.0.1:3", "certificate": "later.pem", "key": "later.key" }
            ] }
            """,
            [
                "2:50: warning: The certificate in «…/expired.pem» expired on *",
                "3:50: warning: The certificate in «…/soon.pem» expires on *",
                "4:50: warning: The certificate in «…/later.pem» is valid from *",
            ]
        },
        {
            """
            { "jwt": { "keys": "missing.json", "issuer": "" },
              "users": { "failedLogIns": { "free": 0, "longestWait": -1, "perAdress": 5 } },
              "listeners": [
              { "url": "mqtts://127.0.0.1:1", "certificate": "one.pem", "key": "one.key", "userFrom": "cn" },
              { "url": "mqtt://127.0.0.1:2", "userFrom": "cn" },
              { "url": "mqtts://127.0.0.1:3", "certificate": "one.pem", "key": "one.key", "userFrom": "dn" }
            ] }
            """,
            [
                "1:10: warning: «jwt.audience» is missing: a token that was issued for another service lets its bearer in here too.",
                "1:20: error: The keys of tokens in «…/missing.json» cannot be read: *",
                "1:46: error: «jwt.issuer» is the text «»; it has to be a text with something in it.",
                "2:40: error: «users.failedLogIns.free» is 0; it has to be a whole number from 1 to 2147483647.",
                "2:58: error: «users.failedLogIns.longestWait» is -1; it has to be a number of seconds from 0 to 86400.",
                "2:62: error: There is no setting «users.failedLogIns.perAdress»; do you mean «perAddress»?",
                "4:91: error: «listeners[0].userFrom» is of no use: *",
                "5:34: error: «listeners[1].userFrom» is for mqtts:// and wss:// only; «mqtt://127.0.0.1:2» is not encrypted.",
                "6:91: error: «listeners[2].userFrom» is the text «dn»; *",
            ]
        },
        {
            """{ "jwt": { "keys": "text", "audience": "a" }, "listeners": [ { "url": "mqtt://0.0.0.0:1" } ] }""",
            ["1:20: error: In «…/text» there is no key that tokens can be signed with: *"]
        },
        {
            """{ "jwt": { "issuer": "x", "audience": "y" } }""",
            ["1:10: error: «jwt.keys» is missing."]
        },
        {
            // Tokens name groups that stand in no file.
            """
            { "jwt": { "keys": "one.pem", "groupsClaim": "groups" },
              "rules": [ { "allow": [ "publish" ], "topics": [ "a" ], "to": [ "group:x" ] } ] }
            """,
            ["1:10: warning: «jwt.audience» is missing: *"]
        },
    };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Every_mistake_is_told_at_once_with_its_place(string json, string[] expected)
    {
        _folder.Issue("one");
        _folder.Issue("two");
        _folder.Issue("expired", firstDay: -3, lastDay: -1);
        _folder.Issue("soon", lastDay: 2);
        _folder.Issue("later", firstDay: 1, lastDay: 20);
        _folder.IssueEncrypted("secret", "secret");
        _folder.Write("text", "nothing of the kind\n");

        var reading = Read(json);

        var told = reading.Mistakes.Select(mistake => mistake.ToString()
            .Replace(_folder.PathOf("antiphon.json"), "antiphon.json", StringComparison.Ordinal)
            .Replace(_folder.PathOf(""), "…", StringComparison.Ordinal)).ToArray();
        Assert.Equal(expected.Length, told.Length);
        Assert.All(expected.Zip(told), pair =>
        {
            var (wanted, line) = ($"antiphon.json:{pair.First}", pair.Second);
            if (wanted.EndsWith('*'))
            {
                Assert.StartsWith(wanted[..^1], line, StringComparison.Ordinal);
            }
            else
            {
                Assert.Equal(wanted, line);
            }
        });
        Assert.Equal(expected.All(line => line.Contains(": warning: ", StringComparison.Ordinal)), reading.Options is not null);
    }

    [Fact]
    public void A_file_with_everything_in_it_becomes_the_options_that_it_says()
    {
        _folder.Issue("server");
        _folder.Issue("other");
        _ = _folder.Ca;
        _folder.Write("users", "");
        File.Copy(_folder.PathOf("server.pem"), _folder.PathOf("server.pem.pub"));

        var reading = Read(
            """
            // Comments and trailing commas are allowed.
            {
              "$schema": "antiphon.schema.json",
              "listeners": [
                { "url": "mqtt://0.0.0.0" },
                { "url": "mqtts://[::]:8883", "name": "devices", "certificate": "server.pem", "key": "server.key",
                  "clientCertificates": "require", "clientCa": "ca.pem", "userFrom": "san-dns", "oldestTls": "1.3", "proxyProtocol": true,
                  "moreCertificates": [ { "certificate": "other.pem", "key": "other.key" } ] },
                { "url": "wss://localhost/deep/path", "certificate": "server.pem", "key": "server.key" },
                { "url": "ws://127.0.0.1:0" },
              ],
              "allowAnonymous": false,
              "users": { "passwordFile": "users", "failedLogIns": { "free": 1, "longestWait": 2.5, "perAddress": 3 } },
              "jwt": { "keys": "server.pem.pub", "issuer": "i", "audience": "a", "userClaim": "u", "groupsClaim": "g" },
              "limits": {
                "connections": 1, "sessions": 2, "sessionBytes": 1048577, "sessionExpiry": 3, "clientIdLength": 24,
                "packetSize": 4294967295, "oldestProtocol": "5", "qos": 1, "receiveMaximum": 5, "topicAliases": 6,
                "outgoingTopicAliases": 7, "keepAlive": 8,
                "connectTimeout": 9.5, "packetTimeout": 10, "closeTimeout": 11, "concurrentAuthentications": 12, "subscriptions": 13,
                "concurrentAuthorizations": 21, "authorizationTimeout": 22,
                "outputBytes": 4097, "queuedMessages": 14, "queuedBytes": 15, "queueOverflow": "oldest", "retain": false,
                "retainedMessages": 16, "retainedBytes": 17, "bufferBytes": 1048578, "exchangeTimeout": 18, "exchangeBytes": 19,
                "replies": 20, "systemTopicsInterval": 0,
              },
              "log": { "level": "debug", "format": "systemd" },
            }
            """);

        Assert.Empty(reading.Mistakes);
        var options = reading.Options!;
        var server = new CertificateFiles { Certificate = _folder.PathOf("server.pem"), Key = _folder.PathOf("server.key") };
        Assert.Equal(
            new ServerListener
            {
                Name = "mqtt://0.0.0.0",
                Bind = IPAddress.Any,
                Port = 1883,
                Place = $"{_folder.PathOf("antiphon.json")}:5:14",
            },
            options.Listeners[0]);
        var devices = options.Listeners[1];
        Assert.Equal(
            new ServerListener
            {
                Name = "devices",
                Protocol = ListenerProtocol.Mqtts,
                Bind = IPAddress.IPv6Any,
                Port = 8883,
                ProxyProtocol = true,
            },
            devices with { Tls = null, Place = null });
        Assert.Equal(server, devices.Tls!.Certificate);
        Assert.Equal(
            [new CertificateFiles { Certificate = _folder.PathOf("other.pem"), Key = _folder.PathOf("other.key") }],
            devices.Tls.FurtherCertificates);
        Assert.Equal(
            (ClientCertificates.Require, _folder.PathOf("ca.pem"), TlsVersion.Tls13),
            (devices.Tls.ClientCertificates, devices.Tls.ClientCa, devices.Tls.MinimumVersion));
        Assert.Equal(
            new ServerListener
            {
                Name = "wss://localhost/deep/path",
                Protocol = ListenerProtocol.Wss,
                Port = 443,
                Path = "/deep/path",
            },
            options.Listeners[2] with { Tls = null, Place = null });
        Assert.Equal(
            new ServerListener { Name = "ws://127.0.0.1:0", Protocol = ListenerProtocol.Ws, Port = 0 },
            options.Listeners[3] with { Place = null });
        Assert.Equal(CertificateUser.DnsName, devices.Tls.UserFrom);
        Assert.Equal(_folder.PathOf("users"), options.PasswordFile);
        Assert.Equal(
            new FailedLogInLimits { Free = 1, LongestWait = TimeSpan.FromSeconds(2.5), PerAddress = 3 }, options.FailedLogIns);
        Assert.Equal(
            new JwtOptions
            {
                Keys = _folder.PathOf("server.pem.pub"),
                Issuer = "i",
                Audience = "a",
                UserClaim = "u",
                GroupsClaim = "g",
            },
            options.Jwt);
        Assert.Equal(new LogOptions { Level = LogLevel.Debug, Format = LogFormat.Systemd }, options.Log);
        Assert.Equal(
            new BrokerOptions
            {
                MaximumConnections = 1,
                MaximumSessions = 2,
                MaximumSessionBytes = 1048577,
                MaximumSessionExpiry = TimeSpan.FromSeconds(3),
                MaximumClientIdLength = 24,
                MaximumPacketSize = uint.MaxValue,
                MinimumProtocolVersion = ProtocolVersion.V5,
                MaximumQoS = QualityOfService.AtLeastOnce,
                ReceiveMaximum = 5,
                TopicAliasMaximum = 6,
                MaximumOutgoingTopicAliases = 7,
                MaximumKeepAlive = TimeSpan.FromSeconds(8),
                ConnectTimeout = TimeSpan.FromSeconds(9.5),
                PacketTimeout = TimeSpan.FromSeconds(10),
                CloseTimeout = TimeSpan.FromSeconds(11),
                MaximumConcurrentAuthentications = 12,
                MaximumConcurrentAuthorizations = 21,
                AuthorizationTimeout = TimeSpan.FromSeconds(22),
                MaximumSubscriptions = 13,
                MaximumOutputBytes = 4097,
                MaximumQueuedMessages = 14,
                MaximumQueuedBytes = 15,
                QueueOverflow = QueueOverflow.DiscardOldest,
                RetainAvailable = false,
                MaximumRetainedMessages = 16,
                MaximumRetainedBytes = 17,
                MaximumBufferBytes = 1048578,
                ExchangeTimeout = TimeSpan.FromSeconds(18),
                MaximumExchangeBytes = 19,
                MaximumReplies = 20,
                SystemTopicsInterval = TimeSpan.Zero,
            },
            options.Broker);
        Assert.Equal(
            ["antiphon.json", "ca.pem", "other.key", "other.pem", "server.key", "server.pem", "server.pem.pub", "users"],
            reading.Files.Select(file => Path.GetFileName(file)).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void An_empty_object_is_the_usual_broker()
    {
        var options = Read("\uFEFF{}").Options!;

        Assert.Equal(new ServerListener { Name = "mqtt://127.0.0.1:1883" }, Assert.Single(options.Listeners));
        Assert.Equal(new BrokerOptions(), options.Broker);
        Assert.Equal(new LogOptions(), options.Log);
        Assert.Null(options.PasswordFile);
    }

    [Fact]
    public void Who_asks_and_who_speaks_for_others_can_be_said_whatever_the_order()
    {
        var options = Read(
            """
            { "bridges": [ "far", "near" ], "stampCaller": true, "limits": { "replies": 2 }, "groups": { "near": [], "far": [] } }
            """).Options!;

        Assert.True(options.Broker.StampCaller);
        Assert.Equal(["far", "near"], options.Broker.BridgeGroups);
        Assert.Equal(2, options.Broker.MaximumReplies);
        Assert.Equal(
            [
                "«stampCaller» is the text «yes»; it has to be true or false.",
                "«bridges[0]» is 1; it has to be a text with something in it.",
            ],
            Read("""{ "stampCaller": "yes", "bridges": [ 1 ] }""").Mistakes.Select(mistake => mistake.Message));
    }

    [Fact]
    public void The_environment_counts_more_than_the_file_and_the_command_line_more_than_both()
    {
        var reading = Read(
            """{ "limits": { "connections": 1, "sessions": 1, "replies": 1 }, "listeners": [ { "url": "mqtt://127.0.0.1:1" } ] }""",
            new()
            {
                ["ANTIPHON__LIMITS__SESSIONS"] = "2",
                ["ANTIPHON__LIMITS__REPLIES"] = "2",
                ["antiphon__limits__queueOverflow"] = "oldest",
                ["ANTIPHON__LISTENERS__0__URL"] = "mqtt://127.0.0.1:2",
                ["ANTIPHON__LISTENERS__1__URL"] = "ws://127.0.0.1:3",
                ["ANTIPHON__LOG"] = """{ "level": "error" }""",
                ["ANTIPHON_PASSWORD"] = "secret",
            },
            ["limits.replies=3", "listeners[1].name=second", "allowAnonymous=TRUE"]);

        Assert.Empty(reading.Mistakes);
        var options = reading.Options!;
        Assert.Equal(
            (1, 2, 3, QueueOverflow.DiscardOldest, true),
            (options.Broker.MaximumConnections, options.Broker.MaximumSessions, options.Broker.MaximumReplies,
                options.Broker.QueueOverflow, options.Broker.AllowAnonymous));
        Assert.Equal([2, 3], options.Listeners.Select(listener => listener.Port));
        Assert.Equal("second", options.Listeners[1].Name);
        Assert.Equal(LogLevel.Error, options.Log.Level);
    }

    [Fact]
    public void Mistakes_from_outside_the_file_say_where_they_stand()
    {
        var reading = Read(
            """{ "limits": { "connections": 1 } }""",
            new()
            {
                ["ANTIPHON__LIMITS__CONECTIONS"] = "2",
                ["ANTIPHON__LIMITS__QOS"] = "three",
                ["ANTIPHON__LIMITS__CONNECTIONS__MORE"] = "1",
                ["ANTIPHON__LISTENERS__1__URL"] = "mqtt://127.0.0.1:2",
                ["ANTIPHON__LIMITS__0"] = "2",
            },
            ["log.level=loud"]);

        Assert.Null(reading.Options);
        string[] expected =
        [
            "environment variable ANTIPHON__LIMITS__CONECTIONS: error: There is no setting «limits.CONECTIONS»; do you mean «connections»?",
            "environment variable ANTIPHON__LIMITS__QOS: error: «limits.QOS» is «three»; it has to be a whole number from 0 to 2.",
            "environment variable ANTIPHON__LIMITS__CONNECTIONS__MORE: error: «limits.connections» is 1, and has no «MORE» in it.",
            "environment variable ANTIPHON__LISTENERS__1__URL: error: «LISTENERS» has 0 items, so that there is none before [1].",
            "environment variable ANTIPHON__LIMITS__0: error: «limits» is no list, and [0] is in it.",
            "--set log.level=loud: error: «log.level» is «loud»; "
                + "it has to be \"debug\" or \"info\" or \"warning\" or \"error\" or \"none\".",
        ];
        Assert.Equal(
            expected.Order(StringComparer.Ordinal),
            reading.Mistakes.Select(mistake => mistake.ToString()).Order(StringComparer.Ordinal));
        Assert.Null(ConfigurationOverride.Parse("nonsense"));
        Assert.Null(ConfigurationOverride.Parse("=nonsense"));
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_a_mistake_as_well()
    {
        var reading = new ConfigurationFile(_folder.PathOf("missing.json"), new Dictionary<string, string>(), []).Read();

        Assert.Null(reading.Options);
        var mistake = Assert.Single(reading.Mistakes).ToString();
        Assert.Contains("missing.json: error: The file cannot be read: ", mistake, StringComparison.Ordinal);
    }

    private ConfigurationReading Read(string json, Dictionary<string, string>? environment = null, string[]? settings = null) =>
        new ConfigurationFile(
            _folder.Write("antiphon.json", json),
            environment ?? [],
            [.. (settings ?? []).Select(setting => ConfigurationOverride.Parse(setting)!)]).Read();
}
