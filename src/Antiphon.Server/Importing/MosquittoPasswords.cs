using Antiphon.Broker.Authentication;

namespace Antiphon.Server.Importing;

/// <summary>Translates a password file of mosquitto's: lines of <c>name:hash</c>.</summary>
internal static class MosquittoPasswords
{
    public static CredentialList Translate(IReadOnlyList<MosquittoLine> lines, CredentialList users, TranslationLog log)
    {
        foreach (var line in lines)
        {
            var colon = line.Text.IndexOf(':', StringComparison.Ordinal);
            var name = colon < 0 ? "" : line.Text[..colon];

            // Neither hash nor what may be a password in plain text is repeated.
            var shown = line with { Text = name.Length == 0 ? "…" : $"{name}:…" };
            if (name.Length == 0)
            {
                log.Refuse(shown, "It is not «name:hash».");
            }
            else if (users.Contains(name))
            {
                log.Refuse(shown, "The user is there twice.");
            }
            else
            {
                try
                {
                    users = users.With(name, PlainCredential.ParseMosquitto(line.Text[(colon + 1)..]));
                }
                catch (FormatException wrong)
                {
                    log.Refuse(shown, wrong.Message);
                }
            }
        }

        return users;
    }
}
