using Antiphon.Broker.Authentication;
using Antiphon.Cli.CommandLine;

namespace Antiphon.Cli.Passwords;

/// <summary>A file of users for <c>antiphon broker --password-file</c>; only its owner may read it.</summary>
internal static class PasswordFile
{
    /// <exception cref="UsageException">It cannot be read, or is no such file.</exception>
    public static async Task<CredentialList> ReadAsync(FileInfo file, CancellationToken cancellationToken)
    {
        try
        {
            return CredentialList.Parse(await File.ReadAllTextAsync(file.FullName, cancellationToken));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"The password file «{file}» cannot be read: {e.Message} Create it with: antiphon passwd {file} USER");
        }
        catch (FormatException e)
        {
            throw new UsageException(
                $"The password file «{file}» is not one: {e.Message} Files of other brokers do not fit; set each user's password with: "
                + "antiphon passwd FILE USER");
        }
    }

    /// <summary>Replaces the file as a whole, so that a broker which reads it meanwhile gets the old one or the new one.</summary>
    /// <exception cref="IOException">It cannot be written; the old one stands, and nothing is left beside it.</exception>
    public static async Task WriteAsync(FileInfo file, CredentialList users, CancellationToken cancellationToken)
    {
        var fresh = $"{file.FullName}.{Environment.ProcessId}.new";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        try
        {
            await using (var writer = new StreamWriter(fresh, options))
            {
                await writer.WriteAsync(users.ToString().AsMemory(), cancellationToken);
            }

            File.Move(fresh, file.FullName, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The password file «{file}» cannot be written, and stays as it was: {e.Message}", e);
        }
        finally
        {
            // It is there only where it could not take the other's place.
            File.Delete(fresh);
        }
    }
}
