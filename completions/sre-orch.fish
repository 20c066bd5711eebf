# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_sre_orch_global_optspecs
    string join \n v/verbose q/quiet color= config= h/help V/version
end

function __fish_sre_orch_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_sre_orch_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_sre_orch_using_subcommand
    set -l cmd (__fish_sre_orch_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c sre-orch -n "__fish_sre_orch_needs_command" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sre-orch -n "__fish_sre_orch_needs_command" -l config -d 'Read this configuration file [default: sre-orch/config.yaml in the user\'s configuration directory]' -r -F
complete -c sre-orch -n "__fish_sre_orch_needs_command" -s v -l verbose -d 'Log what is done; twice for every detail'
complete -c sre-orch -n "__fish_sre_orch_needs_command" -s q -l quiet -d 'Print results and errors only'
complete -c sre-orch -n "__fish_sre_orch_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sre-orch -n "__fish_sre_orch_needs_command" -s V -l version -d 'Print version'
complete -c sre-orch -n "__fish_sre_orch_needs_command" -f -a "investigate" -d 'Find the root cause of what is described'
complete -c sre-orch -n "__fish_sre_orch_needs_command" -f -a "serve" -d 'Serve investigations to a team, over HTTP'
complete -c sre-orch -n "__fish_sre_orch_needs_command" -f -a "snapshot" -d 'Write a snapshot of the cluster for a later investigation'
complete -c sre-orch -n "__fish_sre_orch_needs_command" -f -a "graph" -d 'Look at, check and test failure modes'
complete -c sre-orch -n "__fish_sre_orch_needs_command" -f -a "doctor" -d 'Check settings, access and permissions'
complete -c sre-orch -n "__fish_sre_orch_needs_command" -f -a "rbac" -d 'Print the ClusterRole that sre-orch needs'
complete -c sre-orch -n "__fish_sre_orch_needs_command" -f -a "completions" -d 'Print a shell\'s completions'
complete -c sre-orch -n "__fish_sre_orch_needs_command" -f -a "man" -d 'Print the manual page'
complete -c sre-orch -n "__fish_sre_orch_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -s n -l namespace -d 'Look in this namespace (can be repeated)' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -s l -l selector -d 'Look only at what has these labels, and what it leads to' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l kubeconfig -d 'Read this kubeconfig [default: as kubectl does]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l context -d 'Use this context of the kubeconfig [default: the current one]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l as -d 'Read as this user' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l bundle -d 'Read a snapshot (directory, .tar or .tar.gz) instead of a cluster' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -s o -l output -d 'Print the report in this format [default: table]' -r -f -a "table\t'The answer on one screen'
wide\t'Everything, for a wide terminal'
json\t'The whole report as JSON'
yaml\t'The whole report as YAML'
markdown\t'For an incident\'s channel'
junit\t'Test cases for CI'"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l top -d 'Show at most this many hypotheses in table, wide and markdown [default: 3]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l fail-on -d 'Exit with 3 when a hypothesis or other finding has this confidence, and with 1 when it cannot be told' -r -f -a "low\t'0.20 and more'
medium\t'0.60 and more'
high\t'0.90 and more'"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l ignore -d 'Report the known findings of this file as ignored (YAML: cause, object, reason, expires)' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l since -d 'Count events, log lines and changes since this long before the capture [default: 1h]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l timeout -d 'Stop reading after this long, and say what was not read [default: 60s]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l concurrency -d 'Send at most this many requests at a time [default: 16]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l log-lines -d 'Read at most this many lines of a container\'s log, from its end [default: 2000]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l max-requests -d 'Send at most this many requests [default: 5000]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l max-bytes -d 'Receive at most this much, such as 500M [default: 2Gi]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l llm -d 'Let an LLM help to read the description: auto, off or a provider [default: off]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l model -d 'Ask this model [default: the provider\'s]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l llm-url -d 'Ask the LLM at this address, such as a gateway\'s [default: the provider\'s]' -r -f
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l llm-key-file -d 'Read the LLM\'s key from this file [default: the provider\'s own variable, such as OPENAI_API_KEY]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l llm-ca-file -d 'Trust the certificates of this file (PEM) for the LLM, beside the system\'s' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l llm-timeout -d 'Go on without the LLM after this long [default: 10s; six times that for --explain]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l graph -d 'Merge the failure modes of this directory over the bundled ones (can be repeated)' -r -f -a "(__fish_complete_directories)"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l config -d 'Read this configuration file [default: sre-orch/config.yaml in the user\'s configuration directory]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -s A -l all-namespaces -d 'Look in all namespaces, which is the default'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l hygiene -d 'Report what is bad practice but no fault, too'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l plan -d 'Show what would be read, and stop'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l no-triage -d 'Read a large cluster in full instead of only where something stands out'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l explain -d 'Let the LLM explain the evidence too'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l llm-show -d 'Show on stderr what would be sent to the LLM, and send nothing'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -l llm-pseudonyms -d 'Send the LLM other names for namespaces, objects, hosts and addresses'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -s v -l verbose -d 'Log what is done; twice for every detail'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -s q -l quiet -d 'Print results and errors only'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand investigate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l listen -d 'Listen here [default: 127.0.0.1:8080]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l token-file -d 'Ask for a token of this file (one a line; read again when it changes)' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l tls-cert -d 'Speak TLS with this certificate chain (PEM; read again when it changes)' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l tls-key -d 'The certificate\'s private key (PEM)' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l allow-origin -d 'Let pages of this origin call the API from a browser (can be repeated)' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l rate-limit -d 'Take so many requests a second from one client, twice that at once; 0: any number [default: 100]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l max-connections -d 'Keep so many connections open, and close the longest idle beyond that [default: 1024]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l log-format -d 'Write logs in this format [default: json]' -r -f -a "json\t'An object a line'
text\t'For people'"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l workers -d 'Run so many investigations at a time [default: one for each processor]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l queue -d 'Let so many incidents wait, and refuse more [default: 256]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l keep -d 'Keep so many incidents; the first finished go first [default: 10000]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l keep-bytes -d 'Keep incidents of so many bytes [default: 256Mi]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l cache -d 'Let investigations share what the cluster answered for so long [default: 5s]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l drain -d 'After SIGTERM let accepted incidents finish for so long, then cancel them [default: 20s]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -s n -l namespace -d 'Look in this namespace (can be repeated)' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l kubeconfig -d 'Read this kubeconfig [default: as kubectl does]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l context -d 'Use this context of the kubeconfig [default: the current one]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l as -d 'Read as this user' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l bundle -d 'Read a snapshot (directory, .tar or .tar.gz) instead of a cluster' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l since -d 'Count events, log lines and changes since this long before the capture [default: 1h]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l timeout -d 'Stop reading after this long, and say what was not read [default: 60s]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l concurrency -d 'Send at most this many requests at a time [default: 16]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l log-lines -d 'Read at most this many lines of a container\'s log, from its end [default: 2000]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l max-requests -d 'Send at most this many requests [default: 5000]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l max-bytes -d 'Receive at most this much, such as 500M [default: 2Gi]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l graph -d 'Merge the failure modes of this directory over the bundled ones (can be repeated)' -r -f -a "(__fish_complete_directories)"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l config -d 'Read this configuration file [default: sre-orch/config.yaml in the user\'s configuration directory]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l insecure -d 'Let everybody in who can reach the address'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -l hygiene -d 'Report what is bad practice but no fault, too'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -s A -l all-namespaces -d 'Look in all namespaces, which is the default'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -s v -l verbose -d 'Log what is done; twice for every detail'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -s q -l quiet -d 'Print results and errors only'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -s f -l file -d 'Write the snapshot to this file (.tar.gz)' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -s n -l namespace -d 'Look in this namespace (can be repeated)' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -l kubeconfig -d 'Read this kubeconfig [default: as kubectl does]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -l context -d 'Use this context of the kubeconfig [default: the current one]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -l as -d 'Read as this user' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -l bundle -d 'Read a snapshot (directory, .tar or .tar.gz) instead of a cluster' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -l since -d 'Count events, log lines and changes since this long before the capture [default: 1h]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -l timeout -d 'Stop reading after this long, and say what was not read [default: 60s]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -l concurrency -d 'Send at most this many requests at a time [default: 16]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -l log-lines -d 'Read at most this many lines of a container\'s log, from its end [default: 2000]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -l max-requests -d 'Send at most this many requests [default: 5000]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -l max-bytes -d 'Receive at most this much, such as 500M [default: 2Gi]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -l config -d 'Read this configuration file [default: sre-orch/config.yaml in the user\'s configuration directory]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -l force -d 'Replace the file where it exists'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -s A -l all-namespaces -d 'Look in all namespaces, which is the default'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -s v -l verbose -d 'Log what is done; twice for every detail'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -s q -l quiet -d 'Print results and errors only'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand snapshot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and not __fish_seen_subcommand_from lint list show test schema help" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and not __fish_seen_subcommand_from lint list show test schema help" -l config -d 'Read this configuration file [default: sre-orch/config.yaml in the user\'s configuration directory]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and not __fish_seen_subcommand_from lint list show test schema help" -s v -l verbose -d 'Log what is done; twice for every detail'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and not __fish_seen_subcommand_from lint list show test schema help" -s q -l quiet -d 'Print results and errors only'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and not __fish_seen_subcommand_from lint list show test schema help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and not __fish_seen_subcommand_from lint list show test schema help" -f -a "lint" -d 'Check every failure mode; exit with 1 where one has a problem'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and not __fish_seen_subcommand_from lint list show test schema help" -f -a "list" -d 'List the failure modes'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and not __fish_seen_subcommand_from lint list show test schema help" -f -a "show" -d 'Print one failure mode'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and not __fish_seen_subcommand_from lint list show test schema help" -f -a "test" -d 'Run the tests of failure modes, and of labelled snapshots; exit with 1 where one fails'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and not __fish_seen_subcommand_from lint list show test schema help" -f -a "schema" -d 'Print the JSON Schema of failure modes, or of reports'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and not __fish_seen_subcommand_from lint list show test schema help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from lint" -l graph -d 'Merge the failure modes of this directory over the bundled ones (can be repeated)' -r -f -a "(__fish_complete_directories)"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from lint" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from lint" -l config -d 'Read this configuration file [default: sre-orch/config.yaml in the user\'s configuration directory]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from lint" -s v -l verbose -d 'Log what is done; twice for every detail'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from lint" -s q -l quiet -d 'Print results and errors only'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from lint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from list" -l graph -d 'Merge the failure modes of this directory over the bundled ones (can be repeated)' -r -f -a "(__fish_complete_directories)"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from list" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from list" -l config -d 'Read this configuration file [default: sre-orch/config.yaml in the user\'s configuration directory]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Log what is done; twice for every detail'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print results and errors only'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from show" -l graph -d 'Merge the failure modes of this directory over the bundled ones (can be repeated)' -r -f -a "(__fish_complete_directories)"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from show" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from show" -l config -d 'Read this configuration file [default: sre-orch/config.yaml in the user\'s configuration directory]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Log what is done; twice for every detail'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print results and errors only'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from test" -l graph -d 'Merge the failure modes of this directory over the bundled ones (can be repeated)' -r -f -a "(__fish_complete_directories)"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from test" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from test" -l config -d 'Read this configuration file [default: sre-orch/config.yaml in the user\'s configuration directory]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from test" -s v -l verbose -d 'Log what is done; twice for every detail'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from test" -s q -l quiet -d 'Print results and errors only'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from schema" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from schema" -l config -d 'Read this configuration file [default: sre-orch/config.yaml in the user\'s configuration directory]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from schema" -l report -d 'Print the schema of what `investigate -o json` prints instead'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from schema" -s v -l verbose -d 'Log what is done; twice for every detail'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from schema" -s q -l quiet -d 'Print results and errors only'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from help" -f -a "lint" -d 'Check every failure mode; exit with 1 where one has a problem'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the failure modes'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print one failure mode'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from help" -f -a "test" -d 'Run the tests of failure modes, and of labelled snapshots; exit with 1 where one fails'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from help" -f -a "schema" -d 'Print the JSON Schema of failure modes, or of reports'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand graph; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -s n -l namespace -d 'Look in this namespace (can be repeated)' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l kubeconfig -d 'Read this kubeconfig [default: as kubectl does]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l context -d 'Use this context of the kubeconfig [default: the current one]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l as -d 'Read as this user' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l bundle -d 'Read a snapshot (directory, .tar or .tar.gz) instead of a cluster' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l since -d 'Count events, log lines and changes since this long before the capture [default: 1h]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l timeout -d 'Stop reading after this long, and say what was not read [default: 60s]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l concurrency -d 'Send at most this many requests at a time [default: 16]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l log-lines -d 'Read at most this many lines of a container\'s log, from its end [default: 2000]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l max-requests -d 'Send at most this many requests [default: 5000]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l max-bytes -d 'Receive at most this much, such as 500M [default: 2Gi]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l llm -d 'Let an LLM help to read the description: auto, off or a provider [default: off]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l model -d 'Ask this model [default: the provider\'s]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l llm-url -d 'Ask the LLM at this address, such as a gateway\'s [default: the provider\'s]' -r -f
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l llm-key-file -d 'Read the LLM\'s key from this file [default: the provider\'s own variable, such as OPENAI_API_KEY]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l llm-ca-file -d 'Trust the certificates of this file (PEM) for the LLM, beside the system\'s' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l llm-timeout -d 'Go on without the LLM after this long [default: 10s; six times that for --explain]' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l graph -d 'Merge the failure modes of this directory over the bundled ones (can be repeated)' -r -f -a "(__fish_complete_directories)"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l config -d 'Read this configuration file [default: sre-orch/config.yaml in the user\'s configuration directory]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -s A -l all-namespaces -d 'Look in all namespaces, which is the default'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l explain -d 'Let the LLM explain the evidence too'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l llm-show -d 'Show on stderr what would be sent to the LLM, and send nothing'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -l llm-pseudonyms -d 'Send the LLM other names for namespaces, objects, hosts and addresses'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -s v -l verbose -d 'Log what is done; twice for every detail'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -s q -l quiet -d 'Print results and errors only'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand rbac" -s n -l namespace -d 'Print a Role for this namespace alone instead, without cluster-scoped kinds' -r
complete -c sre-orch -n "__fish_sre_orch_using_subcommand rbac" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand rbac" -l config -d 'Read this configuration file [default: sre-orch/config.yaml in the user\'s configuration directory]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand rbac" -s v -l verbose -d 'Log what is done; twice for every detail'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand rbac" -s q -l quiet -d 'Print results and errors only'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand rbac" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand completions" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand completions" -l config -d 'Read this configuration file [default: sre-orch/config.yaml in the user\'s configuration directory]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand completions" -s v -l verbose -d 'Log what is done; twice for every detail'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand completions" -s q -l quiet -d 'Print results and errors only'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand man" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sre-orch -n "__fish_sre_orch_using_subcommand man" -l config -d 'Read this configuration file [default: sre-orch/config.yaml in the user\'s configuration directory]' -r -F
complete -c sre-orch -n "__fish_sre_orch_using_subcommand man" -s v -l verbose -d 'Log what is done; twice for every detail'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand man" -s q -l quiet -d 'Print results and errors only'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand help; and not __fish_seen_subcommand_from investigate serve snapshot graph doctor rbac completions man help" -f -a "investigate" -d 'Find the root cause of what is described'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand help; and not __fish_seen_subcommand_from investigate serve snapshot graph doctor rbac completions man help" -f -a "serve" -d 'Serve investigations to a team, over HTTP'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand help; and not __fish_seen_subcommand_from investigate serve snapshot graph doctor rbac completions man help" -f -a "snapshot" -d 'Write a snapshot of the cluster for a later investigation'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand help; and not __fish_seen_subcommand_from investigate serve snapshot graph doctor rbac completions man help" -f -a "graph" -d 'Look at, check and test failure modes'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand help; and not __fish_seen_subcommand_from investigate serve snapshot graph doctor rbac completions man help" -f -a "doctor" -d 'Check settings, access and permissions'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand help; and not __fish_seen_subcommand_from investigate serve snapshot graph doctor rbac completions man help" -f -a "rbac" -d 'Print the ClusterRole that sre-orch needs'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand help; and not __fish_seen_subcommand_from investigate serve snapshot graph doctor rbac completions man help" -f -a "completions" -d 'Print a shell\'s completions'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand help; and not __fish_seen_subcommand_from investigate serve snapshot graph doctor rbac completions man help" -f -a "man" -d 'Print the manual page'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand help; and not __fish_seen_subcommand_from investigate serve snapshot graph doctor rbac completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand help; and __fish_seen_subcommand_from graph" -f -a "lint" -d 'Check every failure mode; exit with 1 where one has a problem'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand help; and __fish_seen_subcommand_from graph" -f -a "list" -d 'List the failure modes'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand help; and __fish_seen_subcommand_from graph" -f -a "show" -d 'Print one failure mode'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand help; and __fish_seen_subcommand_from graph" -f -a "test" -d 'Run the tests of failure modes, and of labelled snapshots; exit with 1 where one fails'
complete -c sre-orch -n "__fish_sre_orch_using_subcommand help; and __fish_seen_subcommand_from graph" -f -a "schema" -d 'Print the JSON Schema of failure modes, or of reports'
