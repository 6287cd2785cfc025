using System.Numerics;

namespace Antiphon.Bench.Load;

/// <summary>Counts durations in buckets that are at most 1/64 of their value wide: recording one is an increment.</summary>
internal sealed class Histogram
{
    private const int SubBucketsLog2 = 6;
    private const int SubBuckets = 1 << SubBucketsLog2;

    private readonly long[] _counts = new long[(64 - SubBucketsLog2) * SubBuckets];

    public long Count { get; private set; }

    public void Record(long nanoseconds)
    {
        _counts[Index((ulong)Math.Max(0, nanoseconds))]++;
        Count++;
    }

    public void Clear()
    {
        Array.Clear(_counts);
        Count = 0;
    }

    /// <summary>Adds what another has counted.</summary>
    public void Add(Histogram other)
    {
        for (var i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }

        Count += other.Count;
    }

    /// <summary>Takes away what another has counted, which this one has counted too.</summary>
    public void Subtract(Histogram other)
    {
        for (var i = 0; i < _counts.Length; i++)
        {
            _counts[i] -= other._counts[i];
        }

        Count -= other.Count;
    }

    /// <summary>The duration that a share of the recorded ones does not exceed, in nanoseconds; 0 when there are none.</summary>
    /// <param name="share">0 to 1.</param>
    public double Quantile(double share)
    {
        var rank = Math.Max(1, (long)Math.Ceiling(share * Count));
        for (var i = 0; i < _counts.Length; i++)
        {
            rank -= _counts[i];
            if (rank <= 0)
            {
                return Middle(i);
            }
        }

        return 0;
    }

    private static int Index(ulong value)
    {
        if (value < SubBuckets)
        {
            return (int)value;
        }

        var shift = BitOperations.Log2(value) - SubBucketsLog2;
        return ((shift + 1) << SubBucketsLog2) + (int)((value >> shift) & (SubBuckets - 1));
    }

    private static double Middle(int index)
    {
        if (index < SubBuckets)
        {
            return index;
        }

        var shift = (index >> SubBucketsLog2) - 1;
        return ((SubBuckets | (index & (SubBuckets - 1))) + 0.5) * Math.Pow(2, shift);
    }
}
