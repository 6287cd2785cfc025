using Antiphon.Broker;

namespace Antiphon.Simulation.Calls;

/// <summary>
/// Two programs that ask and three that answer, two of these as a share group,
/// while connections break, programs are killed and the broker loses its memory.
/// </summary>
internal sealed class CallScenario : IScenario
{
    private const string One = "answered/by/one";
    private const string Group = "answered/by/a/group";
    private const string Nobody = "answered/by/nobody";

    private readonly int _calls;
    private readonly Presence _presence;
    private readonly AskingProgram[] _asking = new AskingProgram[2];
    private readonly AnsweringProgram?[] _answering = new AnsweringProgram?[3];
    private readonly List<AskingProgram> _killed = [];
    private int _begun;

    public CallScenario(int seed, int calls)
    {
        _calls = calls;
        World = new World(seed, new BrokerOptions { AllowAnonymous = true });
        _presence = new Presence(World);
        for (var i = 0; i < _asking.Length; i++)
        {
            _asking[i] = StartAsking(i);
        }

        for (var i = 0; i < _answering.Length; i++)
        {
            _answering[i] = StartAnswering(i);
        }
    }

    public World World { get; }

    public Ledger Ledger { get; } = new();

    public bool HasMore => _begun < _calls;

    public bool IsSettled => Array.TrueForAll(_asking, static program => program.IsSettled)
        && Array.TrueForAll(_answering, static program => program is null or { IsSettled: true })
        && World.Broker.Engine.Counters.OpenExchanges == 0;

    public void Act()
    {
        var chance = World.Chance;
        switch (chance.Index(40))
        {
            case < 3:
                chance.Of(_asking).CancelOne();
                break;
            case 3:
                StartOneAnswering();
                break;
            default:
                chance.Of(_asking).Call(++_begun, chance.Of([One, One, Group, Group, Nobody]));
                break;
        }
    }

    public void Disturb()
    {
        var chance = World.Chance;
        switch (chance.Index(20))
        {
            case 0:
                World.RestartBroker();
                break;
            case 1:
                RestartAsking(chance.Index(_asking.Length));
                break;
            case 2:
                KillAnswering(chance.Index(_answering.Length));
                break;
            case 3:
                chance.Of(_asking).Replace();
                break;
            case 4:
                chance.Of(_answering)?.Replace();
                break;
            default:
                World.DisturbNetwork();
                break;
        }
    }

    public void Check()
    {
        _presence.Look(One, Answering(0, 1));
        _presence.Look(Group, Answering(1, 3));
        _presence.Look(Nobody, []);
        foreach (var program in _asking)
        {
            program.Check();
        }

        foreach (var program in _answering)
        {
            program?.Check();
        }

        if (Ledger.Fault is { } fault)
        {
            Assert.Fail(fault);
        }
    }

    public void CheckEnd()
    {
        foreach (var program in _asking)
        {
            program.CheckEnd();
        }

        foreach (var program in _answering)
        {
            program?.CheckEnd();
        }

        Assert.All(
            _killed.SelectMany(static program => program.NotSent),
            number => Assert.False(Ledger.HasRun(number), $"Request {number} was not sent, it said, and was run."));
        Assert.Equal(0, World.Broker.Engine.Counters.OpenExchanges);
    }

    private AskingProgram StartAsking(int index) => new(World, Ledger, _presence, World.StartProcess($"asking{index}"));

    private AnsweringProgram StartAnswering(int index) => new(
        World, Ledger, World.StartProcess($"answering{index}"), index == 0 ? One : Group, index == 0 ? null : "g");

    private void RestartAsking(int index)
    {
        World.Kill(_asking[index].Process);
        _killed.Add(_asking[index]);
        _asking[index] = StartAsking(index);
    }

    private void KillAnswering(int index)
    {
        if (_answering[index] is { } program)
        {
            World.Kill(program.Process);
            _answering[index] = null;
        }
    }

    private void StartOneAnswering()
    {
        var index = Array.IndexOf(_answering, null);
        if (index >= 0)
        {
            _answering[index] = StartAnswering(index);
        }
    }

    private IEnumerable<AnsweringProgram> Answering(int from, int to) => _answering[from..to].OfType<AnsweringProgram>();
}
