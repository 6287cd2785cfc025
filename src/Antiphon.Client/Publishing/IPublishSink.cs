namespace Antiphon.Client.Publishing;

/// <summary>Who is told what became of a PUBLISH.</summary>
internal interface IPublishSink
{
    /// <summary>
    /// The PUBLISH is over: acknowledged, refused or lost. Called once for a PUBLISH that was taken and not withdrawn, under the gate of
    /// <see cref="Sessions.ClientSession"/>, mostly on the receive loop; so it runs no code of the application and does not publish.
    /// </summary>
    /// <param name="version">The number that the PUBLISH was handed over with, so that a sink in use again knows what is stale.</param>
    /// <param name="result">What the server said, where there is no failure.</param>
    /// <param name="failure">Why it came to nothing, or that nobody knows; <c>null</c>: the server has it.</param>
    void Published(uint version, in PublishResult result, MqttException? failure);

    /// <summary>
    /// The PUBLISH is about to be written later than it was handed over, or again. What says in it how much time is left can be brought up
    /// to date in place. Called under the gate, and before any <see cref="Published"/>.
    /// </summary>
    /// <param name="version">The number that the PUBLISH was handed over with.</param>
    /// <param name="properties">Its properties, encoded.</param>
    /// <param name="again">Whether it has been written to an earlier connection.</param>
    /// <returns>Whether it is to be written; if not, it is over, and the sink is told so if it still waits.</returns>
    bool TryRenew(uint version, Span<byte> properties, bool again) => true;
}
