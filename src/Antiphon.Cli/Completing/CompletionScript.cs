namespace Antiphon.Cli.Completing;

/// <summary>
/// What a shell has to be told, so that Tab completes the commands and options of <c>antiphon</c>.
/// The program itself says what fits, through the parser's <c>[suggest]</c> directive.
/// </summary>
internal static class CompletionScript
{
    public const string Bash = """
        # bash completion of antiphon
        _antiphon() {
            local word="${COMP_WORDS[COMP_CWORD]}" suggestion
            COMPREPLY=()
            while IFS= read -r suggestion; do
                if [[ -n $suggestion && $suggestion == "$word"* ]]; then
                    COMPREPLY+=("$suggestion")
                fi
            done < <(antiphon "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)
        }
        complete -o default -F _antiphon antiphon
        """;

    public const string Zsh = """
        #compdef antiphon
        # zsh completion of antiphon
        _antiphon() {
            local -a suggestions
            suggestions=(${(f)"$(antiphon "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)"})
            if (( ${#suggestions} )); then
                compadd -a suggestions
            else
                _files
            fi
        }
        if [[ "${funcstack[1]}" == _antiphon ]]; then
            _antiphon "$@"
        else
            compdef _antiphon antiphon
        fi
        """;

    public const string Fish = """
        # fish completion of antiphon
        function __antiphon_complete
            set -l line (commandline -cp | string collect)
            antiphon "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null | string match -v ''
        end
        complete -c antiphon -a '(__antiphon_complete)'
        """;
}
