using System.Reflection;
using System.Text.Json;
using Antiphon.Broker;
using Antiphon.Server.Configuration;

namespace Antiphon.Server.Tests.Configuration;

public sealed class SchemaTests
{
    /// <summary>What an operator cannot say, and why.</summary>
    private static readonly string[] NotInTheFile =
    [
        // Said by listeners, allowAnonymous, users, jwt, rules, stampCaller and bridges.
        "AccessRules", "Bind", "Port", "Listeners", "AllowAnonymous", "Authenticator", "Authorizer",
        "AuthenticationMethods", "StampCaller", "BridgeGroups",

        // For programs that embed the broker.
        "Transport", "TimeProvider", "LoggerFactory", "ExchangeObserver",
    ];

    [Fact]
    public void Every_option_of_the_broker_can_be_said_in_the_file_or_is_known_not_to_be()
    {
        var options = typeof(BrokerOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(property => property.Name);

        Assert.Equal(options.Except(NotInTheFile).Count(), LimitSettings.Shape.Settings.Count);
        Assert.Empty(NotInTheFile.Except(options));
    }

    [Fact]
    public void The_published_schema_is_the_one_of_the_program()
    {
        var published = Path.Combine(Root(), "docs", "antiphon.schema.json");
        if (Environment.GetEnvironmentVariable("ANTIPHON_WRITE_PAGES") == "1")
        {
            File.WriteAllText(published, ConfigurationSchema.Text);
        }

        Assert.Equal(File.ReadAllText(published), ConfigurationSchema.Text);
    }

    [Fact]
    public void The_schema_knows_names_kinds_bounds_words_and_defaults()
    {
        using var schema = JsonDocument.Parse(ConfigurationSchema.Text);
        var root = schema.RootElement;
        Assert.False(root.GetProperty("additionalProperties").GetBoolean());
        var limits = root.GetProperty("properties").GetProperty("limits").GetProperty("properties");
        var connections = limits.GetProperty("connections");
        Assert.Equal(
            ("integer", 1, 100_000),
            (connections.GetProperty("type").GetString(), connections.GetProperty("minimum").GetInt32(),
                connections.GetProperty("default").GetInt32()));
        Assert.Equal("newest", limits.GetProperty("queueOverflow").GetProperty("default").GetString());
        Assert.Equal(10, limits.GetProperty("connectTimeout").GetProperty("default").GetDouble());
        var listener = root.GetProperty("properties").GetProperty("listeners").GetProperty("items");
        Assert.Equal("url", listener.GetProperty("required")[0].GetString());
        Assert.Equal(
            ["none", "ask", "require"],
            listener.GetProperty("properties").GetProperty("clientCertificates").GetProperty("enum").EnumerateArray()
                .Select(word => word.GetString()!));
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Antiphon.slnx")))
        {
            folder = folder.Parent!;
        }

        return folder.FullName;
    }
}
