using System.Security.Cryptography;
using System.Text;

namespace Antiphon.Server.Administration;

/// <summary>The token of the admin endpoint. Only its hash is kept. Immutable.</summary>
internal sealed class AdminToken
{
    internal const int MinimumLength = 16;

    private const string Scheme = "Bearer ";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly byte[] _hash;

    private AdminToken(string token) => _hash = Hash(token);

    /// <summary>Reads a token from its file, which is made where there is none.</summary>
    /// <returns>The token; or <c>null</c> and what is wrong, a sentence that names the file.</returns>
    public static (AdminToken? Token, string? Mistake) ReadOrCreate(string path)
    {
        if (!File.Exists(path))
        {
            try
            {
                Create(path);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                return (null, $"The token file «{path}» is not there and cannot be made: {failure.Message}");
            }
        }

        return Read(path);
    }

    /// <summary>Reads a token from its file.</summary>
    /// <returns>The token; or <c>null</c> and what is wrong, a sentence that names the file.</returns>
    public static (AdminToken? Token, string? Mistake) Read(string path)
    {
        string token;
        try
        {
            using var file = File.OpenText(path);
            token = file.ReadLine()?.Trim() ?? "";
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return (null, $"The token file «{path}» cannot be read: {failure.Message}");
        }

        return token.Length >= MinimumLength && token.All(c => c is > ' ' and < '\x7F')
            ? (new AdminToken(token), null)
            : (null, $"The first line of the token file «{path}» has to be {MinimumLength} characters or more, without spaces, "
                + "that nobody can guess. Delete the file, and the broker makes one.");
    }

    /// <summary>Whether others than its owner can read the file; a sentence for the log.</summary>
    public static string? Warning(string path) =>
        !OperatingSystem.IsWindows() && File.Exists(path) && (File.GetUnixFileMode(path) & UnixFileMode.OtherRead) != 0
            ? $"Everybody on this machine can read the token file «{path}»: chmod o-r"
            : null;

    /// <summary>Whether the value of an Authorization header is this token. It takes as long whatever it differs in.</summary>
    public bool Matches(string? authorization) =>
        authorization is not null
        && authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(_hash, Hash(authorization[Scheme.Length..].Trim()));

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    private static void Create(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using var file = new StreamWriter(path, options);
        file.NewLine = "\n";
        file.WriteLine(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
    }
}
