using Antiphon.Broker.Authentication;

namespace Antiphon.Server.Users;

/// <summary>Reads the file of users that <c>antiphon passwd</c> keeps.</summary>
internal static class UserFile
{
    /// <returns>The users; or <c>null</c> and what is wrong, a sentence that names the file.</returns>
    public static (CredentialList? Users, string? Mistake) Read(string path)
    {
        try
        {
            return (CredentialList.Parse(File.ReadAllText(path)), null);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            var advice = failure is FileNotFoundException ? $" Create it with: antiphon passwd {path} USER" : "";
            return (null, $"The password file «{path}» cannot be read: {failure.Message}{advice}");
        }
        catch (FormatException failure)
        {
            return (null, $"The password file «{path}» is not one: {failure.Message}");
        }
    }
}
