namespace Antiphon.Cli.Output;

/// <summary>Data could not be written to the standard output, and nothing more will be.</summary>
/// <param name="readerIsGone">
/// Whether nobody reads the pipe any more, as behind <c>| head -1</c>. That is no failure: the program ends without a word.
/// </param>
/// <param name="cause">What the system says, without a full stop.</param>
internal sealed class OutputLostException(bool readerIsGone, string cause)
    : Exception($"The standard output cannot be written: {cause}.")
{
    public bool ReaderIsGone => readerIsGone;
}
