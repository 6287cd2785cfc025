using System.Reflection;
using Antiphon.Broker.Connections;

namespace Antiphon.Broker.Tests;

/// <summary>Every limit takes effect while the broker runs, as long as nobody keeps what the options were at the start.</summary>
public sealed class OptionsKeptTests
{
    /// <summary>Who keeps options, and why that is right.</summary>
    private static readonly Type[] Keepers =
    [
        // It is what the others ask.
        typeof(OptionsInForce),

        // CONNACK has told its client what holds for it.
        typeof(Connection),

        // What stays as it was at the start is taken from these.
        typeof(BrokerHost),
    ];

    [Fact]
    public void Nobody_else_keeps_options()
    {
        var keepers = typeof(BrokerHost).Assembly.GetTypes()
            .Where(type => !type.IsDefined(typeof(System.Runtime.CompilerServices.CompilerGeneratedAttribute), inherit: false))
            .Where(type => FieldsOf(type).Any(field => field.FieldType == typeof(BrokerOptions)));

        Assert.Equal(Keepers.Select(type => type.Name).Order(), keepers.Select(type => type.Name).Order());
    }

    /// <summary>Parameters of a constructor that a method uses are fields too.</summary>
    private static FieldInfo[] FieldsOf(Type type) => type.GetFields(
        BindingFlags.Instance | BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly);
}
