using Antiphon.Broker.Authentication;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Files;

namespace Antiphon.Cli.Passwords;

/// <summary>A file of users for <c>antiphon broker --password-file</c>; a new one only its owner may read.</summary>
internal static class PasswordFile
{
    /// <exception cref="UsageException">It cannot be read, or is no such file.</exception>
    public static async Task<CredentialList> ReadAsync(FileInfo file, CancellationToken cancellationToken)
    {
        try
        {
            return Parse(file, await File.ReadAllTextAsync(file.FullName, cancellationToken));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var advice = e is FileNotFoundException ? $" Create it with: antiphon passwd {file} USER" : "";
            throw new UsageException($"The password file «{file}» cannot be read: {e.Message}{advice}");
        }
    }

    /// <summary>Changes the file, or makes it, while no other program of this kind does.</summary>
    /// <exception cref="UsageException">It is no such file.</exception>
    /// <exception cref="IOException">It cannot be written; the old one stands, and nothing is left beside it.</exception>
    public static async Task ChangeAsync(
        FileInfo file, Func<CredentialList, CredentialList> change, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            using var locked = await LockedFile.OpenAsync(file.FullName, time, cancellationToken);
            locked.Replace(change(locked.Read() is { } text ? Parse(file, text) : CredentialList.Empty).ToString());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The password file «{file}» cannot be written, and stays as it was: {e.Message}", e);
        }
    }

    private static CredentialList Parse(FileInfo file, string text)
    {
        try
        {
            return CredentialList.Parse(text);
        }
        catch (FormatException e)
        {
            throw new UsageException(
                $"The password file «{file}» is not one: {e.Message} Files of other brokers do not fit; set each user's password with: "
                + "antiphon passwd FILE USER");
        }
    }
}
