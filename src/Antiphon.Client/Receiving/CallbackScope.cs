using Antiphon.Client.Sessions;

namespace Antiphon.Client.Receiving;

/// <summary>
/// Knows whether the code that runs was called by a client's handler, directly or through tasks:
/// then waiting for that handler would be waiting for oneself.
/// </summary>
internal static class CallbackScope
{
    private static readonly AsyncLocal<ClientSession?> Current = new();

    public static void Enter(ClientSession session) => Current.Value = session;

    public static bool IsWithin(ClientSession session) => Current.Value == session;
}
