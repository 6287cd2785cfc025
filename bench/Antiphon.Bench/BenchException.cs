namespace Antiphon.Bench;

/// <summary>A run cannot go on; the message says why, for whoever reads the results.</summary>
internal sealed class BenchException(string message) : Exception(message);
