export const shells = ["bash", "fish", "zsh", "powershell"] as const;
export type Shell = (typeof shells)[number];

/**
 * The script that makes a shell ask `coder __complete` what can follow. Words are passed behind `--`, so that flags
 * among them are not taken for the command's own.
 */
export function completionScript(shell: Shell): string {
  return scripts[shell];
}

const scripts: Record<Shell, string> = {
  bash: `_coder_complete() {
  local IFS=$'\\n'
  # Bash splits words at colons and equals signs: take the line as it was typed up to the cursor.
  local line="\${COMP_LINE:0:COMP_POINT}" words
  IFS=' ' read -r -a words <<< "$line"
  case "$line" in *' ') words+=("") ;; esac
  COMPREPLY=($("\${words[0]}" __complete -- "\${words[@]:1}" 2>/dev/null))
}
complete -o default -F _coder_complete coder
`,
  zsh: `#compdef coder
_coder_complete() {
  local -a found
  found=("\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[*]}" ]]; then
    compadd -- "\${found[@]}"
  else
    _files
  fi
}
if [[ "$funcstack[1]" == "_coder_complete" ]]; then
  _coder_complete "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _coder_complete coder
fi
`,
  fish: `function __coder_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found ($words[1] __complete -- $words[2..-1] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c coder -f -a '(__coder_complete)'
`,
  powershell: `Register-ArgumentCompleter -Native -CommandName coder -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
  if ($wordToComplete -eq '') { $words += '""' }
  & coder __complete -- @words 2>$null | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`,
};
