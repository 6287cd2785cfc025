using Antiphon.Broker.Authentication;
using Antiphon.Server.Configuration;
using Antiphon.Server.Importing;
using Antiphon.Server.Tests.Peers;

namespace Antiphon.Server.Tests.Importing;

public sealed class MosquittoImportTests : IDisposable
{
    // Made by mosquitto_passwd 2.0.11 from the password «geheim ä».
    private const string Passwords =
        """
        old:$6$lxK6W854mVTu/CHz$NpuUKZvbTJ1wjrNQoeZCzcKvsXB6NKafJ5fkOgjG+reByatI+JnRb10tTD8/Qn8ouNhMIz4y2AWHnsOyDd/bvA==
        ann:$7$101$2fSOV6IbXrcoTy/0$DKNM3Cf8+NMA1JrR/aufNEAOgGZLSfIHlZamWfbWrAsC+ESH8pyM2TlVTps5T7sdlTg4wy9rrXKwbbExm2CYHg==

        """;

    private readonly CertificateFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_configuration_with_everything_becomes_one_that_our_checker_takes()
    {
        _folder.Issue("server");
        _ = _folder.Ca;
        _folder.Write("passwords", Passwords);
        _folder.Write(
            "acl",
            """
            # who may what
            topic read public/#
            user ann
            topic deny devices/secret
            topic readwrite devices/#
            topic write a topic
            pattern read users/%u/%c/in
            pattern deny users/%u/hidden
            """);
        var options = Check(
            """
            per_listener_settings false
            allow_anonymous true
            password_file passwords
            acl_file acl
            log_dest syslog
            persistence false
            max_queued_messages 500
            max_queued_bytes 0
            max_packet_size 65536
            max_keepalive 120
            memory_limit 10485760
            retain_available false
            sys_interval 0
            persistent_client_expiration 2w

            listener 1883 127.0.0.1
            max_inflight_messages 0

            listener 8883
            certfile server.pem
            keyfile server.key
            cafile ca.pem
            require_certificate true
            use_identity_as_username true
            tls_version tlsv1.3

            listener 8084 ::1
            protocol websockets
            """,
            out var translation);

        Assert.Equal(
            ["mqtt://127.0.0.1:1883", "mqtts://[::]:8883", "ws://[::1]:8084"], options.Listeners.Select(listener => listener.Name));
        var tls = options.Listeners[1].Tls!;
        Assert.Equal(
            (ClientCertificates.Require, CertificateUser.CommonName, TlsVersion.Tls13, _folder.PathOf("ca.pem")),
            (tls.ClientCertificates, tls.UserFrom, tls.MinimumVersion, tls.ClientCa));
        Assert.Equal((_folder.PathOf("server.pem"), _folder.PathOf("server.key")), (tls.Certificate.Certificate, tls.Certificate.Key));
        var broker = options.Broker;
        Assert.Equal(
            (true, 500, long.MaxValue, 65536u, TimeSpan.FromSeconds(120), 10485760L, false, TimeSpan.Zero, TimeSpan.FromDays(14)),
            (broker.AllowAnonymous, broker.MaximumQueuedMessages, broker.MaximumQueuedBytes, broker.MaximumPacketSize,
                broker.MaximumKeepAlive!.Value, broker.MaximumBufferBytes, broker.RetainAvailable, broker.SystemTopicsInterval,
                broker.MaximumSessionExpiry));
        Assert.Equal(
            [
                "deny publish, subscribe, request, respond on devices/secret to user:ann",
                "allow subscribe on public/# to anonymous",
                "allow publish, subscribe, request on devices/# to user:ann",
                "allow publish, request on a topic to user:ann",
                "deny publish, subscribe, request, respond on users/${user}/hidden to *",
                "allow subscribe on users/${user}/${clientid}/in to *",
            ],
            broker.AccessRules!.Rules.Select(rule => rule.ToString()));
        Assert.Equal(
            [
                "5: note: «log_dest syslog»: It is left out: no client notices it.",
                "28: note: «protocol websockets»: Clients have to name the path /mqtt, where mosquitto took any.",
            ],
            translation.Notes.Select(note => note[(_folder.PathOf("mosquitto.conf").Length + 1)..]));
        var users = CredentialList.Parse(translation.Users!);
        Assert.Equal(["ann", "old"], users.UserNames);
        Assert.DoesNotContain(users.UserNames, users.ServesScram);
    }

    [Theory]
    [InlineData("", "mqtt://127.0.0.1:1883", true)]
    [InlineData("user mosquitto", "mqtt://127.0.0.1:1883", true)]
    [InlineData("port 1884\nallow_anonymous true", "mqtt://[::]:1884", true)]
    [InlineData("bind_address 127.0.0.2\nallow_anonymous 1", "mqtt://127.0.0.2:1883", true)]
    [InlineData("bind_address localhost\nport 0\n", null, false)]
    [InlineData("listener 1885\nsocket_domain ipv4\nallow_anonymous true", "mqtt://0.0.0.0:1885", true)]
    public void Where_it_listens_is_as_mosquitto_has_it(string conf, string? url, bool isOpen)
    {
        if (url is null)
        {
            Assert.Null(Translate(conf).Configuration);
            return;
        }

        var options = Check(conf, out _);
        Assert.Equal(url, Assert.Single(options.Listeners).Name);
        Assert.Equal(isOpen, options.Broker.AllowAnonymous);
    }

    [Fact]
    public void Everything_that_cannot_be_said_here_is_refused_by_its_line()
    {
        _folder.Write("acl", "user eve\ntopic\ntopic often a\ntopic read a/#/b\ntopic read ${x}\nhello world\npattern read $share/a/b");
        _folder.Write("passwords", "ann:secret\nbob\n:x\nann:$7$0$AA==$AA==\n" + Passwords + Passwords.Split('\n')[0]);
        Directory.CreateDirectory(_folder.PathOf("conf.d"));
        _folder.Write("conf.d/a.conf", "mount_point a/\n");
        _folder.Write("conf.d/b.txt", "nonsense");

        var translation = Translate(
            """
            per_listener_settings true
            persistence true
            auth_plugin x.so
            plugin y.so
            ciphers HIGH
            max_inflight_messages 20
            max_queued_messages many
            retain_available perhaps
            persistent_client_expiration 3x
            use_subject_as_username true
            no_such_thing 1
            allow_anonymous
            include_dir conf.d
            include_dir nowhere
            acl_file acl
            password_file passwords
            listener 1883 example.org
            max_connections 10
            listener 1884 /run/socket
            listener 8883
            certfile server.pem
            tls_version tlsv1.1
            use_identity_as_username true
            cafile ca.pem
            listener 1885
            protocol mqttsn
            socket_domain ipv6
            require_certificate true
            listener x
            connection bridge
            address example.org
            topic # both
            remote_username x
            """);

        Assert.Null(translation.Configuration);
        Assert.Null(translation.Users);
        string[] expected =
        [
            "mosquitto.conf:2: error: «persistence true»: Sessions and retained messages are kept in memory.",
            "mosquitto.conf:3: error: «auth_plugin x.so»: mosquitto's plugins do not run here.",
            "mosquitto.conf:4: error: «plugin y.so»: mosquitto's plugins do not run here.",
            "mosquitto.conf:5: error: «ciphers HIGH»: The ciphers of TLS are those of the system.",
            "mosquitto.conf:6: error: «max_inflight_messages 20»: *",
            "mosquitto.conf:7: error: «max_queued_messages many»: It has to be a whole number.",
            "mosquitto.conf:8: error: «retain_available perhaps»: It has to be true or false.",
            "mosquitto.conf:9: error: «persistent_client_expiration 3x»: It has to be a number with h, d, w, m or y behind it.",
            "mosquitto.conf:10: error: «use_subject_as_username true»: *",
            "mosquitto.conf:11: error: «no_such_thing 1»: No such option is known.",
            "mosquitto.conf:12: error: «allow_anonymous»: Nothing stands behind it.",
            "conf.d/a.conf:1: error: «mount_point a/»: Topics are the same at all listeners.",
            "mosquitto.conf:14: error: «include_dir nowhere»: *",
            "mosquitto.conf:30: error: «connection bridge»: There are no bridges.",
            "acl:2: error: «topic»: It is neither user, topic nor pattern, with something behind it.",
            "acl:3: error: «topic often a»: «often» is not read, write, readwrite or deny.",
            "acl:4: error: «topic read a/#/b»: *",
            "acl:5: error: «topic read ${x}»: *",
            "acl:6: error: «hello world»: *",
            "acl:7: error: «pattern read $share/a/b»: *",
            "passwords:1: error: «ann:…»: The hash is none of mosquitto's that can be used: *",
            "passwords:2: error: «…»: It is not «name:hash».",
            "passwords:3: error: «…»: It is not «name:hash».",
            "passwords:4: error: «ann:…»: The hash is none of mosquitto's that can be used: *",
            "passwords:7: error: «old:…»: The user is there twice.",
            "mosquitto.conf:1: error: «per_listener_settings true»: *",
            "mosquitto.conf:18: error: «max_connections 10»: It is about one listener, and here it would be about all of them.",
            "mosquitto.conf:17: error: «listener 1883 example.org»: «example.org» is not an IP address to listen on.",
            "mosquitto.conf:19: error: «listener 1884 /run/socket»: *",
            "mosquitto.conf:21: error: «certfile server.pem»: There is no keyfile for it.",
            "mosquitto.conf:22: error: «tls_version tlsv1.1»: *",
            "mosquitto.conf:23: error: «use_identity_as_username true»: It needs require_certificate true.",
            "mosquitto.conf:27: error: «socket_domain ipv6»: *",
            "mosquitto.conf:26: error: «protocol mqttsn»: There are mqtt and websockets.",
            "mosquitto.conf:28: error: «require_certificate true»: There is no certfile, so that clients do not speak TLS.",
            "mosquitto.conf:29: error: «listener x»: It is not a port with an address behind it or nothing.",
        ];
        var told = translation.Refusals
            .Select(refusal => refusal.Replace(_folder.PathOf("") + "/", "", StringComparison.Ordinal)).ToArray();
        Assert.Equal(expected.Length, told.Length);
        Assert.All(expected.Zip(told), pair => Assert.StartsWith(pair.First.TrimEnd('*'), pair.Second, StringComparison.Ordinal));
        Assert.DoesNotContain("secret", string.Concat(translation.Refusals), StringComparison.Ordinal);
    }

    [Fact]
    public void Folders_are_included_by_the_first_file_only_as_mosquitto_does_it()
    {
        Directory.CreateDirectory(_folder.PathOf("conf.d"));
        _folder.Write("conf.d/a.conf", $"include_dir {_folder.PathOf("conf.d")}\nallow_anonymous true");

        var translation = Translate("listener 1883 127.0.0.1\ninclude_dir conf.d");

        Assert.Empty(translation.Refusals);
        Assert.Contains(
            translation.Notes, note => note.EndsWith("mosquitto passes it over in an included file.", StringComparison.Ordinal));
        Assert.Contains("\"allowAnonymous\": true", translation.Configuration, StringComparison.Ordinal);
    }

    [Fact]
    public void The_name_of_a_file_ends_no_comment()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Names of files have no line ends there.");
        }

        Directory.CreateDirectory(_folder.PathOf("conf.d"));
        _folder.Write("conf.d/a\n  \"allowAnonymous\": true, .conf", "allow_anonymous false\nmax_qos 1");
        _folder.Write("passwords", Passwords);

        var options = Check("listener 1883 127.0.0.1\npassword_file passwords\ninclude_dir conf.d", out _);

        Assert.False(options.Broker.AllowAnonymous);
    }

    [Fact]
    public void Secrets_are_not_repeated_wherever_they_stand()
    {
        _folder.Write("users", "ann:hush\nbob:$6$hush$hush");
        var conf = _folder.Write(
            "mosquitto.conf",
            "listener 1883\nauth_opt_db_pass hush\nplugin_opt_key hush\nremote_password hush\npassword hush\nbridge_psk hush\n"
                + "plugin hash.so");

        var translation = MosquittoImport.Translate([conf, _folder.PathOf("users")], "u", new HashSet<string> { "plugin_opt_key" });

        string[] told = [.. translation.Refusals, .. translation.Notes];
        foreach (var part in new[] { "«auth_opt_db_pass …»", "«plugin_opt_key …»", "«remote_password …»", "«ann:…»", "«plugin hash.so»" })
        {
            Assert.Contains(told, line => line.Contains(part, StringComparison.Ordinal));
        }

        Assert.DoesNotContain(told, line => line.Contains("hush", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_said_not_to_matter_is_left_out()
    {
        var translation = Translate(
            "persistence true\nlistener 1883\nallow_anonymous true\nmax_inflight_messages 20", ["persistence", "max_inflight_messages"]);

        Assert.Empty(translation.Refusals);
        Assert.Equal(2, translation.Notes.Count(note => note.EndsWith("It is left out, as you say.", StringComparison.Ordinal)));
    }

    [Fact]
    public void Where_nobody_could_connect_or_names_are_taken_on_trust_it_is_refused()
    {
        _folder.Write("acl", "user ann\ntopic read #");

        Assert.Equal(
            [
                $"{_folder.PathOf("acl")}:1: error: «user ann»: Nobody proves to be that user: there is no password_file. "
                    + "mosquitto takes the name on trust.",
                $"{_folder.PathOf("mosquitto.conf")}:1: error: Nobody can connect: "
                    + "there is no password_file, and allow_anonymous is not true.",
            ],
            Translate("listener 1883\nacl_file acl").Refusals);
    }

    [Fact]
    public void Files_are_known_by_what_is_in_them()
    {
        string[] files =
        [
            _folder.Write("a", "user ann\ntopic read #\n"), _folder.Write("b", Passwords), _folder.Write("c", "listener 1\n"),
        ];

        var translation = MosquittoImport.Translate(files, "users", new HashSet<string>());

        Assert.Empty(translation.Refusals);
        Assert.NotNull(translation.Users);
        Assert.Contains("\"to\": [ \"user:ann\" ]", translation.Configuration, StringComparison.Ordinal);
        Assert.Single(MosquittoImport.Translate([_folder.PathOf("none")], "users", new HashSet<string>()).Refusals, refusal =>
            refusal.Contains("cannot be read", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("message_size_limit 1000", "packetSize", "132072")]
    [InlineData("message_size_limit 0", "packetSize", "4294967295")]
    [InlineData("max_packet_size 0", "packetSize", "4294967295")]
    [InlineData("max_queued_messages 0", "queuedMessages", "2147483647")]
    [InlineData("max_connections 7", "connections", "7")]
    [InlineData("max_connections -1", null, null)]
    [InlineData("max_qos 1", "qos", "1")]
    [InlineData("max_topic_alias 3", "topicAliases", "3")]
    [InlineData("max_topic_alias_broker 4", "outgoingTopicAliases", "4")]
    [InlineData("persistent_client_expiration 1h", "sessionExpiry", "3600")]
    [InlineData("persistent_client_expiration 1y", "sessionExpiry", "31536000")]
    [InlineData("persistent_client_expiration 9999y", "sessionExpiry", "4294967295")]
    [InlineData("memory_limit 0", null, null)]
    [InlineData("retain_available true", null, null)]
    [InlineData("sys_interval 5", "systemTopicsInterval", "5")]
    public void Limits_keep_their_meaning(string line, string? name, string? value)
    {
        var translation = Translate($"listener 1883 127.0.0.1\nallow_anonymous true\n{line}");

        Assert.Empty(translation.Refusals);
        if (name is null)
        {
            Assert.DoesNotContain("limits", translation.Configuration, StringComparison.Ordinal);
        }
        else
        {
            Assert.Contains($"mosquitto.conf:3\n    \"{name}\": {value}\n", translation.Configuration, StringComparison.Ordinal);
        }
    }

    private MosquittoTranslation Translate(string conf, string[]? without = null) =>
        MosquittoImport.Translate([_folder.Write("mosquitto.conf", conf)], "users", (without ?? []).ToHashSet());

    /// <summary>Translates, and has the result checked as the broker does.</summary>
    private ServerOptions Check(string conf, out MosquittoTranslation translation)
    {
        translation = Translate(conf);
        Assert.Empty(translation.Refusals);
        if (translation.Users is { } users)
        {
            _folder.Write("users", users);
        }

        var reading = new ConfigurationFile(
            _folder.Write("antiphon.json", translation.Configuration!), new Dictionary<string, string>(), []).Read();
        Assert.Empty(reading.Mistakes);
        return reading.Options!;
    }
}
