using System.Net;
using System.Net.WebSockets;
using Antiphon.Broker.Access;
using Antiphon.Broker.Authentication;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Authentication;
using Antiphon.Server.Tests.Peers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Antiphon.Server.Tests.Hosting;

public sealed class HostingTests
{
    [Fact]
    public async Task A_WebSocket_at_a_path_of_the_application_reaches_its_broker()
    {
        await using var application = await StartAsync();
        await using var client = await ConnectAsync(application);

        await Servers.RoundTripAsync(client, 1_000_000);

        var origin = await Servers.OriginAsync(application.Services.GetRequiredService<ServerHost>());
        Assert.Equal("/mqtt", origin.Listener);
        Assert.Equal(IPAddress.Loopback, Assert.IsType<IPEndPoint>(origin.RemoteEndPoint).Address);
    }

    [Fact]
    public async Task The_authenticator_among_the_services_sees_where_clients_come_from()
    {
        var judge = new Judge();
        await using var application = await StartAsync(services => services.AddSingleton<IAuthenticator>(judge));

        await using var client = await ConnectAsync(application, options => options with { UserName = "ann" });
        var refused = await Assert.ThrowsAnyAsync<ConnectionException>(
            () => ConnectAsync(application, options => options with { UserName = "bob" }));

        Assert.Equal(ReasonCode.NotAuthorized, refused.ReasonCode);
        Assert.Equal("/mqtt", judge.Asked!.Origin.Listener);
        Assert.Equal(IPAddress.Loopback, Assert.IsType<IPEndPoint>(judge.Asked.Origin.RemoteEndPoint).Address);
    }

    [Fact]
    public async Task Authenticators_among_the_services_are_asked_in_their_order_after_the_password_file()
    {
        var file = Path.GetTempFileName();
        try
        {
            var cat = ScramCredential.Derive("secret"u8, new byte[16], ScramCredential.MinimumIterations);
            File.WriteAllText(file, CredentialList.Empty.With("cat", cat).ToString());
            await using var application = await StartAsync(
                services => services
                    .AddSingleton<IAuthenticator>(new Judge("bob", ReasonCode.BadUserNameOrPassword))
                    .AddSingleton<IAuthenticator>(new Judge()),
                new() { ["Antiphon:Users:PasswordFile"] = file, ["Antiphon:Listeners:0:Url"] = "mqtt://127.0.0.1:0" });

            foreach (var name in new[] { "ann", "bob", "cat" })
            {
                await using var client = await ConnectAsync(
                    application, options => options with { UserName = name, Password = "secret"u8.ToArray() });
            }

            var refused = await Assert.ThrowsAnyAsync<ConnectionException>(
                () => ConnectAsync(application, options => options with { UserName = "eve" }));
            Assert.Equal(ReasonCode.NotAuthorized, refused.ReasonCode);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task The_authorizer_among_the_services_decides_what_clients_may_do()
    {
        var warden = new Warden();
        await using var application = await StartAsync(services => services.AddSingleton<IAuthorizer>(warden));
        await using var client = await ConnectAsync(application);

        await client.PublishAsync(new ApplicationMessage { Topic = "open", QoS = QualityOfService.AtLeastOnce }, Servers.Ending);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => client.PublishAsync(
            new ApplicationMessage { Topic = "closed", QoS = QualityOfService.AtLeastOnce }, Servers.Ending).AsTask());

        Assert.Equal((ReasonCode.NotAuthorized, "It is closed."), (refused.ReasonCode, refused.ReasonString));
        Assert.Equal("/mqtt", warden.Asked!.Origin.Listener);
    }

    [Fact]
    public async Task The_health_check_says_whether_the_broker_runs()
    {
        await using var application = await StartAsync();
        var health = application.Services.GetRequiredService<HealthCheckService>();

        var well = await health.CheckHealthAsync(Servers.Ending);
        Assert.Equal(HealthStatus.Healthy, well.Status);
        Assert.Equal(0L, Convert.ToInt64(well.Entries["antiphon-broker"].Data["connections"], null));

        await application.Services.GetRequiredService<ServerHost>().StopAsync(Servers.Ending);
        Assert.Equal(HealthStatus.Unhealthy, (await health.CheckHealthAsync(Servers.Ending)).Status);
    }

    [Fact]
    public async Task When_the_application_stops_clients_are_told_and_do_not_hold_it_up()
    {
        await using var application = await StartAsync();
        await using var client = await ConnectAsync(application);
        var told = new TaskCompletionSource<ReasonCode?>(TaskCreationOptions.RunContinuationsAsynchronously);
        client.StateChanged += (_, change) =>
        {
            if (change.State != ConnectionState.Connected)
            {
                told.TrySetResult(change.ReasonCode);
            }
        };
        using var rude = new ClientWebSocket();
        rude.Options.AddSubProtocol("mqtt");
        await rude.ConnectAsync(new Uri($"ws://127.0.0.1:{PortOf(application)}/mqtt"), Servers.Ending);

        await application.StopAsync(Servers.Ending).WaitAsync(Servers.Patience, Servers.Ending);

        Assert.Equal(ReasonCode.ServerShuttingDown, await told.Task.WaitAsync(Servers.Patience, Servers.Ending));
    }

    [Fact]
    public async Task A_section_of_the_application_s_configuration_is_read_as_the_configuration_file_is()
    {
        await using var application = await StartAsync(settings: new()
        {
            ["Antiphon:Listeners:0:Url"] = "mqtt://127.0.0.1:0",
            ["Antiphon:Listeners:0:Name"] = "plain",
            ["Antiphon:Limits:Connections"] = "1",
        });
        var server = application.Services.GetRequiredService<ServerHost>();

        Assert.Equal("plain", Assert.Single(server.EndPoints).Listener.Name);
        await using var first = await Servers.ConnectAsync(server);
        var refused = await Assert.ThrowsAnyAsync<ConnectionException>(() => Servers.ConnectAsync(server, clientId: "second"));
        Assert.Equal(ReasonCode.QuotaExceeded, refused.ReasonCode);
    }

    [Fact]
    public async Task All_mistakes_of_the_section_are_told_at_the_start()
    {
        var wrong = await Assert.ThrowsAsync<ArgumentException>(() => StartAsync(settings: new()
        {
            ["Antiphon:Listeners:0:Url"] = "mqtt://0.0.0.0:1883",
            ["Antiphon:Limits:Conections"] = "1",
            ["Antiphon:Limits:QoS"] = "3",
        }));

        Assert.Contains(
            "Antiphon:Listeners:0:Url: «mqtt://0.0.0.0:1883» is open to other machines", wrong.Message, StringComparison.Ordinal);
        Assert.Contains(
            "Antiphon:Limits:Conections: There is no setting «Limits.Conections»; do you mean «connections»?",
            wrong.Message,
            StringComparison.Ordinal);
        Assert.Contains("«Limits.QoS» is «3»; it has to be a whole number from 0 to 2.", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_mapped_without_a_broker()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRouting();
        await using var application = builder.Build();

        Assert.Throws<InvalidOperationException>(() => application.MapAntiphonWebSocket());
    }

    private static async Task<WebApplication> StartAsync(
        Action<IServiceCollection>? with = null, Dictionary<string, string?>? settings = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddRouting();
        builder.Services.AddLogging();
        if (settings is null)
        {
            builder.Services.AddAntiphonBroker(_ => new ServerOptions { Listeners = [] });
        }
        else
        {
            builder.Configuration.AddInMemoryCollection(settings);
            builder.Services.AddAntiphonBroker(builder.Configuration.GetSection("Antiphon"));
        }

        with?.Invoke(builder.Services);
        var application = builder.Build();
        application.MapAntiphonWebSocket();
        await application.StartAsync(Servers.Ending);
        return application;
    }

    private static int PortOf(WebApplication application) => new Uri(
        application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;

    private static Task<MqttClient> ConnectAsync(WebApplication application, Func<MqttClientOptions, MqttClientOptions>? with = null)
    {
        var options = new MqttClientOptions
        {
            Host = "127.0.0.1",
            Port = PortOf(application),
            WebSocket = new Antiphon.Client.WebSocketOptions(),
        };
        return MqttClient.ConnectAsync(with is null ? options : with(options), Servers.Ending);
    }

    private sealed class Judge(string user = "ann", ReasonCode refusal = ReasonCode.NotAuthorized) : IAuthenticator
    {
        public ConnectingClient? Asked { get; private set; }

        public ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken)
        {
            Asked = client;
            return ValueTask.FromResult(
                client.UserName == user ? AuthenticationResult.Accept(user) : AuthenticationResult.Reject(refusal));
        }
    }

    private sealed class Warden : IAuthorizer
    {
        public AuthorizationRequest? Asked { get; private set; }

        public async ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken)
        {
            await Task.Yield();
            Asked = request;
            return request.Topic == "open" ? AuthorizationResult.Allow() : AuthorizationResult.Deny("It is closed.");
        }
    }
}
