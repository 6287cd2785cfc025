namespace Antiphon.Cli.Publishing;

/// <summary>What a message carries.</summary>
/// <param name="Bytes">The bytes.</param>
/// <param name="IsText">Whether they were given as text, so that the Payload Format Indicator may say so (MQTT 5 §3.3.2.3.2).</param>
internal readonly record struct Payload(ReadOnlyMemory<byte> Bytes, bool IsText);
