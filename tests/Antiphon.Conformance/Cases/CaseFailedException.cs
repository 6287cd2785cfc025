namespace Antiphon.Conformance.Cases;

/// <summary>A broker did something else than the table of a case says.</summary>
internal sealed class CaseFailedException(string reason, string record) : Exception($"{reason}\n{record}")
{
    /// <summary>The step and what happened instead, on one line.</summary>
    public string Reason => reason;
}
