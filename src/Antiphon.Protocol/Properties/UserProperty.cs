namespace Antiphon.Protocol.Properties;

/// <summary>
/// A name and a value that the application chose (MQTT 5 §3.3.2.3.7). The same name may stand more than once; order is kept.
/// </summary>
/// <param name="Name">The name.</param>
/// <param name="Value">The value.</param>
public readonly record struct UserProperty(string Name, string Value);
