using Antiphon.Rpc;

namespace Antiphon.Cli.Demo;

/// <summary>A simulated device with a 3.3 V relay: the payload <c>1</c> closes it, <c>0</c> opens it.</summary>
internal sealed class Relay(Journey journey, TimeProvider time)
{
    private static readonly TimeSpan StuckFor = TimeSpan.FromSeconds(3);

    // Requests come one at a time in the demo; volatile because the handler runs on another thread than the demo.
    private volatile bool _isOn;
    private volatile bool _isStuck;

    public bool IsOn => _isOn;

    /// <summary>A stuck relay takes three seconds to move.</summary>
    public bool IsStuck
    {
        get => _isStuck;
        set => _isStuck = value;
    }

    public async Task<Reply> AnswerAsync(Request request)
    {
        if (request.Text is not ("0" or "1"))
        {
            return Reply.Error(400, $"A relay can be set to 1 or 0, not to \"{request.Text}\".");
        }

        if (IsStuck)
        {
            Note($"relay: stuck, needs {StuckFor.TotalSeconds:0} s");
            await Task.Delay(StuckFor, time, request.CancellationToken);
        }

        var before = Describe();
        _isOn = request.Text == "1";
        Note($"relay: {before} -> {Describe()}");
        return $"relay_1 is {(_isOn ? "on, 3.3 V" : "off, 0.0 V")}";
    }

    private string Describe() => _isOn ? "3.3 V" : "0.0 V";

    private void Note(string deed) => journey.Add(new DeedStep(Side.Device, journey.Now, deed));
}
