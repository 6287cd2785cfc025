using System.Collections.Immutable;
using System.Text;
using Antiphon.Broker;
using Antiphon.Broker.Access;
using Antiphon.Broker.Authentication;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Properties;
using Antiphon.Rpc.Tests.Servers;

namespace Antiphon.Rpc.Tests.Exchanges;

/// <summary>Who has asked, as the handler sees it.</summary>
public sealed class CallerTests
{
    private static readonly RequestOptions Patient = new() { Timeout = TimeSpan.FromSeconds(20) };

    [Theory]
    [InlineData("ann")]
    [InlineData(null)]
    public async Task A_broker_that_stamps_requests_vouches_for_who_asks(string? user)
    {
        await using var broker = Start(stampCaller: true);
        await using var device = await ConnectAsync(broker.Port);
        await using var responder = new Responder(device);
        await using var answering = await WhoAsksAsync(responder);
        await using var client = await ConnectAsync(broker.Port, "a;b%", user);
        await using var requester = new Requester(client);

        var answer = await requester.RequestAsync("who", "?", Patient, Limit.Token);

        Assert.Equal(Text(new Caller("a;b%", user, IsVouchedFor: true)), answer.Text);
    }

    [Fact]
    public async Task A_foreign_requester_is_vouched_for_too()
    {
        await using var broker = Start(stampCaller: true);

        Assert.Equal(Text(new Caller("foreign", "bob", IsVouchedFor: true)), await AskForeignAsync(broker.Port, []));
    }

    [Fact]
    public async Task Where_the_broker_does_not_stamp_the_requester_speaks_for_itself()
    {
        await using var broker = Start(stampCaller: false);

        Assert.Equal("nobody", await AskForeignAsync(broker.Port, []));
        Assert.Equal(
            Text(new Caller("whoever", null, IsVouchedFor: false)),
            await AskForeignAsync(broker.Port, [new("__srcId", "whoever")]));
    }

    [Theory]
    [InlineData(false, "antiphon-caller", "client=admin;user=admin")]
    [InlineData(true, "antiphon-caller", "client=admin;user=admin")]
    [InlineData(true, "__srcId", "admin")]
    public async Task A_forged_property_does_not_reach_the_handler(bool stampCaller, string name, string value)
    {
        await using var broker = Start(stampCaller);

        var refused = await Assert.ThrowsAsync<RefusedException>(() => AskForeignAsync(broker.Port, [new(name, value)]));

        Assert.Equal(ReasonCode.NotAuthorized, refused.ReasonCode);
        Assert.Contains(name, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_another_broker_lets_through_is_not_believed()
    {
        await using var mosquitto = await Server.StartAsync(Kind.Mosquitto);

        Assert.Equal(
            Text(new Caller("self", null, IsVouchedFor: false)),
            await AskForeignAsync(mosquitto.Port, [new("__srcId", "self"), new("antiphon-caller", "client=admin;user=admin")]));
        Assert.Equal("nobody", await AskForeignAsync(mosquitto.Port, [new("antiphon-caller", "client=admin;user=admin")]));
    }

    [Fact]
    public async Task What_a_bridge_passes_on_is_vouched_for_by_it_and_what_is_no_stamp_by_nobody()
    {
        await using var broker = BrokerHost.Start(new BrokerOptions
        {
            Port = 0,
            StampCaller = true,
            Authenticator = new Believing(),
            AllowAnonymous = true,
            BridgeGroups = ["bridges"],
        });

        Assert.Equal(
            Text(new Caller("far", "eve", IsVouchedFor: true)),
            await AskForeignAsync(broker.Port, [new("antiphon-caller", "client=far;user=eve")], "bridge"));
        Assert.Equal("nobody", await AskForeignAsync(broker.Port, [new("antiphon-caller", "eve")], "bridge"));
    }

    private static BrokerHost Start(bool stampCaller) => BrokerHost.Start(
        new BrokerOptions { Port = 0, StampCaller = stampCaller, Authenticator = new Believing(), AllowAnonymous = true });

    private static Task<MqttClient> ConnectAsync(int port, string? clientId = null, string? user = null) => MqttClient.ConnectAsync(
        new MqttClientOptions { Host = "127.0.0.1", Port = port, ClientId = clientId, UserName = user }, Limit.Token);

    /// <summary>Asks as a program does that has no library of ours, with a Response Topic of its own choice.</summary>
    /// <returns>Who has asked, in the handler's words.</returns>
    private static async Task<string> AskForeignAsync(int port, UserProperty[] properties, string user = "bob")
    {
        await using var device = await ConnectAsync(port);
        await using var responder = new Responder(device);
        await using var answering = await WhoAsksAsync(responder);
        await using var client = await ConnectAsync(port, "foreign", user);
        var answer = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await client.SubscribeAsync(
            "answers/foreign",
            (message, _) =>
            {
                answer.TrySetResult(Encoding.UTF8.GetString(message.Payload.Span));
                return ValueTask.CompletedTask;
            },
            cancellationToken: Limit.Token);
        await client.PublishAsync(
            new ApplicationMessage
            {
                Topic = "who",
                QoS = QualityOfService.AtLeastOnce,
                ResponseTopic = "answers/foreign",
                UserProperties = properties,
            },
            Limit.Token);
        return await answer.Task.WaitAsync(Limit.Token);
    }

    private static Task<Registration> WhoAsksAsync(Responder responder) =>
        responder.RespondAsync("who", request => Text(request.Caller), cancellationToken: Limit.Token);

    private static string Text(Caller? caller) => caller?.ToString() ?? "nobody";

    /// <summary>Takes everybody's word.</summary>
    private sealed class Believing : IAuthenticator
    {
        public ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken) =>
            ValueTask.FromResult(client.UserName is { } name
                ? AuthenticationResult.Accept(new ClientUser(name) { Groups = name == "bridge" ? ImmutableHashSet.Create("bridges") : [] })
                : AuthenticationResult.Accept());
    }
}
