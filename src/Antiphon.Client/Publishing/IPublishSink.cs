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
}
