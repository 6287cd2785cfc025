namespace Antiphon.Simulation;

/// <summary>What the programs of a run are about, and what must hold meanwhile.</summary>
internal interface IScenario
{
    World World { get; }

    /// <summary>Whether there is more to begin.</summary>
    bool HasMore { get; }

    /// <summary>Whether all that was begun has come to its end.</summary>
    bool IsSettled { get; }

    /// <summary>Begins the next thing, or ends one.</summary>
    void Act();

    /// <summary>Something goes wrong in the world.</summary>
    void Disturb();

    /// <summary>Looks at what must hold after each step; throws where it does not.</summary>
    void Check();

    /// <summary>Looks at what must hold when all is settled; throws where it does not.</summary>
    void CheckEnd();
}
