using Antiphon.Server;
using Antiphon.Server.Configuration;
using Antiphon.Server.Hosting;
using Microsoft.Extensions.Configuration;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Puts a broker into an application.</summary>
public static class AntiphonServiceCollectionExtensions
{
    private const string HealthCheck = "antiphon-broker";

    /// <summary>
    /// Runs a broker with the application: it starts and stops with it, logs where it logs, and appears among its health checks as
    /// <c>antiphon-broker</c>.
    /// Each <see cref="Antiphon.Broker.Authentication.IAuthenticationMethod"/> among the services is one that clients may name.
    /// Each <see cref="Antiphon.Broker.Authentication.IAuthenticator"/> among them is asked about passwords, where the options name none,
    /// in the order in which they were added and after the password file. After 0x86 Bad user name or password the next is asked; any other
    /// answer holds.
    /// <see cref="Antiphon.Broker.Access.IAuthorizer"/> among the services is used where the options name none.
    /// <see cref="ServerHost"/> can be asked for once it has started.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="options">How it is to run; called once, at the start. <c>null</c>: MQTT at 127.0.0.1:1883.</param>
    public static IServiceCollection AddAntiphonBroker(
        this IServiceCollection services, Func<IServiceProvider, ServerOptions>? options = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddSingleton(provider =>
            ActivatorUtilities.CreateInstance<BrokerService>(provider, options ?? (_ => new ServerOptions())));
        services.AddHostedService(provider => provider.GetRequiredService<BrokerService>());
        services.AddSingleton(provider => provider.GetRequiredService<BrokerService>().Server
            ?? throw new InvalidOperationException("The broker has not started; ask for it after the application has."));
        services.AddHealthChecks().AddCheck<BrokerHealthCheck>(HealthCheck);
        return services;
    }

    /// <summary>
    /// Runs a broker with the application as <see cref="AddAntiphonBroker(IServiceCollection, Func{IServiceProvider, ServerOptions})"/>
    /// does, by a section of the application's configuration. Its settings are those of the configuration file of <c>antiphon broker</c>,
    /// but for <c>log</c>, for which the application has settings of its own. Relative file names begin in the current folder.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configuration">The section, such as <c>builder.Configuration.GetSection("Antiphon")</c>.</param>
    /// <param name="with">Changes what the section says; <c>null</c>: nothing.</param>
    /// <exception cref="ArgumentException">At the start: settings are wrong; the message names every mistake.</exception>
    public static IServiceCollection AddAntiphonBroker(
        this IServiceCollection services,
        IConfiguration configuration,
        Func<IServiceProvider, ServerOptions, ServerOptions>? with = null)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return services.AddAntiphonBroker(provider =>
        {
            var options = SectionReader.Read(configuration, TimeProvider.System);
            return with is null ? options : with(provider, options);
        });
    }
}
