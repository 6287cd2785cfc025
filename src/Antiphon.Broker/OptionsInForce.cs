namespace Antiphon.Broker;

/// <summary>
/// The options that the engine goes by at the moment. Whoever asks each time takes others over at once.
/// Owned by the engine's thread, which puts others in their place between two turns.
/// </summary>
/// <param name="options">The options at the start.</param>
internal sealed class OptionsInForce(BrokerOptions options)
{
    /// <summary>Others are in their place; for who keeps what it has worked out from them.</summary>
    public event Action? Replaced;

    /// <summary>The options; they are immutable, so that whoever keeps them has what held at that moment.</summary>
    public BrokerOptions Current { get; private set; } = options;

    /// <summary>Others hold from now on.</summary>
    public void Replace(BrokerOptions others)
    {
        Current = others;
        Replaced?.Invoke();
    }
}
