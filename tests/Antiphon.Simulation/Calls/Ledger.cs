namespace Antiphon.Simulation.Calls;

/// <summary>Which request was run where: the truth that outcomes are held against.</summary>
internal sealed class Ledger
{
    private readonly Dictionary<int, List<AnsweringProgram>> _runs = [];
    private readonly Dictionary<Type, int> _outcomes = [];

    /// <summary>What was run that must not have been; <c>null</c>: nothing.</summary>
    public string? Fault { get; private set; }

    /// <summary>A handler has been given a request.</summary>
    /// <param name="number">The request's number.</param>
    /// <param name="program">Whose handler; a program that was killed and started again is another.</param>
    public void Ran(int number, AnsweringProgram program)
    {
        if (!_runs.TryGetValue(number, out var runs))
        {
            _runs.Add(number, runs = []);
        }

        if (runs.Contains(program))
        {
            Fault ??= $"Request {number} runs a second time in {program.Name}.";
        }

        runs.Add(program);
    }

    public bool HasRun(int number) => _runs.ContainsKey(number);

    /// <summary>A call has ended.</summary>
    public void Count(Type outcome) => _outcomes[outcome] = _outcomes.GetValueOrDefault(outcome) + 1;

    /// <summary>How calls have ended, and how often.</summary>
    public IReadOnlyDictionary<Type, int> Outcomes => _outcomes;
}
