namespace Antiphon.Server.Importing;

/// <summary>What is known of mosquitto's options that have no setting here.</summary>
internal static class MosquittoWords
{
    /// <summary>Options that no client notices: where logs and files go, and how sockets are tuned.</summary>
    public static IReadOnlySet<string> OfTheMachine { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "auth_plugin_deny_special_chars", "autosave_interval", "autosave_on_changes", "check_retain_source", "connection_messages",
        "log_dest", "log_facility", "log_timestamp", "log_timestamp_format", "log_type", "persistence_file", "persistence_location",
        "pid_file", "set_tcp_nodelay", "user", "websockets_headers_size", "websockets_log_level",
    };

    /// <summary>Options of a listener.</summary>
    public static IReadOnlySet<string> OfListeners { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "bind_address", "cafile", "certfile", "keyfile", "port", "protocol", "require_certificate", "socket_domain", "tls_version",
        "use_identity_as_username",
    };

    /// <summary>Options of which one value says what is so here anyway.</summary>
    public static IReadOnlyDictionary<string, string> AsHere { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["allow_duplicate_messages"] = "true",
        ["allow_zero_length_clientid"] = "true",
        ["max_inflight_bytes"] = "0",
        ["max_inflight_messages"] = "0",
        ["persistence"] = "false",
        ["queue_qos0_messages"] = "false",
        ["tls_keyform"] = "pem",
        ["upgrade_outgoing_qos"] = "false",
        ["use_subject_as_username"] = "false",
        ["use_username_as_clientid"] = "false",
    };

    /// <summary>Options that can be said here in no way, and why.</summary>
    public static IReadOnlyDictionary<string, string> Impossible { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["allow_duplicate_messages"] = "A client gets a message once for each of its subscriptions that match.",
        ["allow_zero_length_clientid"] = "A client without a Client Identifier is always given one.",
        ["auto_id_prefix"] = "Client Identifiers that are given to clients have no prefix.",
        ["bind_interface"] = "A listener is bound to an address, not to an interface.",
        ["capath"] = "Name one file with all the authorities (cafile).",
        ["ciphers"] = "The ciphers of TLS are those of the system.",
        ["ciphers_tls1.3"] = "The ciphers of TLS are those of the system.",
        ["clientid_prefixes"] = "Clients are not told apart by a prefix; rules may say client:ID.",
        ["crlfile"] = "Certificates are not looked up in a list of those that were revoked.",
        ["dhparamfile"] = "The parameters of TLS are those of the system.",
        ["http_dir"] = "No files are served.",
        ["max_inflight_bytes"] = "How many messages are on their way to a client is for the client to say (Receive Maximum).",
        ["max_inflight_messages"] = "How many messages are on their way to a client is for the client to say (Receive Maximum).",
        ["mount_point"] = "Topics are the same at all listeners.",
        ["persistence"] = "Sessions and retained messages are kept in memory.",
        ["psk_file"] = "There is no TLS by keys that were agreed on before.",
        ["psk_hint"] = "There is no TLS by keys that were agreed on before.",
        ["queue_qos0_messages"] = "Messages of QoS 0 do not wait for clients that are away.",
        ["tls_engine"] = "Private keys stand in files.",
        ["tls_engine_kpass_sha1"] = "Private keys stand in files.",
        ["tls_keyform"] = "Private keys stand in files.",
        ["upgrade_outgoing_qos"] = "A message is never delivered with a higher QoS than it was published with.",
        ["use_subject_as_username"] = "A user's name can be the common name (use_identity_as_username) and not the whole subject.",
        ["use_username_as_clientid"] = "A Client Identifier is the client's own.",
    };

    /// <summary>Options of a bridge, besides those whose names begin with <c>bridge_</c>, <c>local_</c> or <c>remote_</c>.</summary>
    public static IReadOnlySet<string> OfBridges { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "address", "addresses", "cleansession", "clientid", "idle_timeout", "keepalive_interval", "notification_topic", "notifications",
        "notifications_local_only", "password", "restart_timeout", "round_robin", "start_type", "threshold", "topic", "try_private",
        "username",
    };
}
