using System.Net;
using Antiphon.Broker.Authentication;
using Antiphon.Protocol;

namespace Antiphon.Broker.Tests;

public sealed class BrokerOptionsTests
{
    [Fact]
    public void The_defaults_are_valid() => new BrokerOptions().Validate();

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.1.2.3")]
    [InlineData("::1")]
    public void Loopback_needs_no_permission(string address) => new BrokerOptions { Bind = IPAddress.Parse(address) }.Validate();

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    [InlineData("192.168.1.1")]
    public void An_address_that_others_can_reach_needs_somebody_who_asks_or_AllowAnonymous(string address)
    {
        var options = new BrokerOptions { Bind = IPAddress.Parse(address) };

        var refused = Assert.Throws<ArgumentException>(() => BrokerHost.Start(options));

        Assert.Contains("AllowAnonymous", refused.Message, StringComparison.Ordinal);
        Assert.Contains(address, refused.Message, StringComparison.Ordinal);
        (options with { AllowAnonymous = true }).Validate();
        (options with { Authenticator = CredentialList.Empty.Passwords }).Validate();
        (options with { AuthenticationMethods = [CredentialList.Empty.ScramSha256] }).Validate();
    }

    [Fact]
    public void Every_listener_needs_a_name_of_its_own_a_port_and_somebody_who_asks()
    {
        var options = new BrokerOptions
        {
            Listeners = [new Listener { Name = "lan", Bind = IPAddress.Any }, new Listener { Name = "lan", Port = -1 }],
        };

        var message = Assert.Throws<ArgumentException>(options.Validate).Message;

        Assert.Contains("Bind of listener «lan» is 0.0.0.0", message, StringComparison.Ordinal);
        Assert.Contains("Port of listener «lan» is -1", message, StringComparison.Ordinal);
        Assert.Contains("Listeners is «lan», «lan»", message, StringComparison.Ordinal);
        new BrokerOptions { Bind = IPAddress.Any, Listeners = [] }.Validate();
    }

    [Fact]
    public void ConnectTimeout_is_a_day_at_most()
    {
        new BrokerOptions { ConnectTimeout = TimeSpan.FromDays(1) }.Validate();

        var refused = Assert.Throws<ArgumentException>(new BrokerOptions { ConnectTimeout = TimeSpan.FromDays(1.01) }.Validate);

        Assert.Contains("ConnectTimeout is 1.00:14:24", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_mistakes_are_reported_together()
    {
        var options = new BrokerOptions
        {
            Port = 65_536,
            MinimumProtocolVersion = (ProtocolVersion)3,
            MaximumPacketSize = 63,
            ReceiveMaximum = 0,
            MaximumQoS = (QualityOfService)3,
            MaximumKeepAlive = TimeSpan.Zero,
            MaximumSessionExpiry = TimeSpan.FromSeconds(-1),
            ConnectTimeout = TimeSpan.Zero,
            PacketTimeout = TimeSpan.Zero,
            CloseTimeout = TimeSpan.Zero,
            MaximumSessionBytes = 1024 * 1024 - 1,
            MaximumOutputBytes = 4095,
            MaximumQueuedMessages = 0,
            MaximumQueuedBytes = 0,
            QueueOverflow = (QueueOverflow)2,
            MaximumSubscriptions = 0,
            MaximumRetainedMessages = -1,
            MaximumRetainedBytes = -1,
            SystemTopicsInterval = TimeSpan.FromSeconds(-1),
            MaximumConcurrentAuthentications = 0,
            MaximumConcurrentAuthorizations = 0,
            AuthorizationTimeout = TimeSpan.Zero,
            MaximumClientIdLength = 22,
            MaximumConnections = 0,
            MaximumSessions = 0,
            MaximumConnectionsPerAddress = -1,
            MaximumConnectsPerSecond = 1_000_001,
            MaximumConnectsPerSecondPerAddress = -1,
            MaximumPendingConnections = 0,
            MaximumConnectBytes = 63,
            MaximumTopicLength = 65_536,
            MaximumTopicLevels = 129,
            MaximumUserProperties = -1,
            MaximumUserPropertyBytes = -1,
            MaximumPublishesPerSecond = -1,
            MaximumPublishBurst = -1,
            MaximumPublishBytesPerSecond = -1,
            MaximumInflight = 0,
            AuthenticationMethods = [CredentialList.Empty.ScramSha256, CredentialList.Empty.ScramSha256],
        };

        var message = Assert.Throws<ArgumentException>(options.Validate).Message;

        foreach (var name in new[]
        {
            "Port",
            "MinimumProtocolVersion",
            "MaximumPacketSize",
            "ReceiveMaximum",
            "MaximumQoS",
            "MaximumKeepAlive",
            "MaximumSessionExpiry",
            "ConnectTimeout",
            "PacketTimeout",
            "CloseTimeout",
            "MaximumOutputBytes",
            "MaximumQueuedMessages",
            "MaximumQueuedBytes",
            "QueueOverflow",
            "MaximumSubscriptions",
            "MaximumRetainedMessages",
            "MaximumRetainedBytes",
            "SystemTopicsInterval",
            "MaximumConcurrentAuthentications", "MaximumConcurrentAuthorizations", "AuthorizationTimeout",
            "MaximumClientIdLength", "MaximumConnections",
            "MaximumConnectionsPerAddress", "MaximumConnectsPerSecond", "MaximumConnectsPerSecondPerAddress", "MaximumPendingConnections",
            "MaximumConnectBytes", "MaximumTopicLength", "MaximumTopicLevels", "MaximumUserProperties", "MaximumUserPropertyBytes",
            "MaximumPublishesPerSecond", "MaximumPublishBurst", "MaximumPublishBytesPerSecond", "MaximumInflight",
            "MaximumSessions", "MaximumSessionBytes", "AuthenticationMethods",
        })
        {
            Assert.Contains(name + " is ", message, StringComparison.Ordinal);
        }
    }
}
