namespace Antiphon.Client.Publishing;

/// <summary>A publish was cancelled before anything of it was written: it has not happened and will not happen.</summary>
internal sealed class PublishWithdrawnException(CancellationToken cancellationToken)
    : OperationCanceledException("The publish was cancelled before it was written; it has been withdrawn.", cancellationToken);
