namespace Antiphon.Broker.Listing;

/// <summary>Some rows of a listing, as many as one turn of the engine makes.</summary>
/// <param name="Rows">The rows.</param>
/// <param name="Next">Where the next slice begins; <c>null</c>: there is none.</param>
internal readonly record struct Slice<TRow, TNext>(IReadOnlyList<TRow> Rows, TNext? Next)
    where TNext : struct;
