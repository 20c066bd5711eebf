
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'sre-orch' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'sre-orch'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'sre-orch' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('investigate', 'investigate', [CompletionResultType]::ParameterValue, 'Find the root cause of what is described')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Serve investigations to a team, over HTTP')
            [CompletionResult]::new('snapshot', 'snapshot', [CompletionResultType]::ParameterValue, 'Write a snapshot of the cluster for a later investigation')
            [CompletionResult]::new('graph', 'graph', [CompletionResultType]::ParameterValue, 'Look at, check and test failure modes')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check settings, access and permissions')
            [CompletionResult]::new('rbac', 'rbac', [CompletionResultType]::ParameterValue, 'Print the ClusterRole that sre-orch needs')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a shell''s completions')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'sre-orch;investigate' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Look in this namespace (can be repeated)')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Look in this namespace (can be repeated)')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Look only at what has these labels, and what it leads to')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Look only at what has these labels, and what it leads to')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Read this kubeconfig [default: as kubectl does]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Use this context of the kubeconfig [default: the current one]')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'Read as this user')
            [CompletionResult]::new('--bundle', '--bundle', [CompletionResultType]::ParameterName, 'Read a snapshot (directory, .tar or .tar.gz) instead of a cluster')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print the report in this format [default: table]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print the report in this format [default: table]')
            [CompletionResult]::new('--top', '--top', [CompletionResultType]::ParameterName, 'Show at most this many hypotheses in table, wide and markdown [default: 3]')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'Exit with 3 when a hypothesis or other finding has this confidence, and with 1 when it cannot be told')
            [CompletionResult]::new('--ignore', '--ignore', [CompletionResultType]::ParameterName, 'Report the known findings of this file as ignored (YAML: cause, object, reason, expires)')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Count events, log lines and changes since this long before the capture [default: 1h]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Stop reading after this long, and say what was not read [default: 60s]')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Send at most this many requests at a time [default: 16]')
            [CompletionResult]::new('--log-lines', '--log-lines', [CompletionResultType]::ParameterName, 'Read at most this many lines of a container''s log, from its end [default: 2000]')
            [CompletionResult]::new('--max-requests', '--max-requests', [CompletionResultType]::ParameterName, 'Send at most this many requests [default: 5000]')
            [CompletionResult]::new('--max-bytes', '--max-bytes', [CompletionResultType]::ParameterName, 'Receive at most this much, such as 500M [default: 2Gi]')
            [CompletionResult]::new('--llm', '--llm', [CompletionResultType]::ParameterName, 'Let an LLM help to read the description: auto, off or a provider [default: off]')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Ask this model [default: the provider''s]')
            [CompletionResult]::new('--llm-url', '--llm-url', [CompletionResultType]::ParameterName, 'Ask the LLM at this address, such as a gateway''s [default: the provider''s]')
            [CompletionResult]::new('--llm-key-file', '--llm-key-file', [CompletionResultType]::ParameterName, 'Read the LLM''s key from this file [default: the provider''s own variable, such as OPENAI_API_KEY]')
            [CompletionResult]::new('--llm-ca-file', '--llm-ca-file', [CompletionResultType]::ParameterName, 'Trust the certificates of this file (PEM) for the LLM, beside the system''s')
            [CompletionResult]::new('--llm-timeout', '--llm-timeout', [CompletionResultType]::ParameterName, 'Go on without the LLM after this long [default: 10s; six times that for --explain]')
            [CompletionResult]::new('--graph', '--graph', [CompletionResultType]::ParameterName, 'Merge the failure modes of this directory over the bundled ones (can be repeated)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Look in all namespaces, which is the default')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Look in all namespaces, which is the default')
            [CompletionResult]::new('--hygiene', '--hygiene', [CompletionResultType]::ParameterName, 'Report what is bad practice but no fault, too')
            [CompletionResult]::new('--plan', '--plan', [CompletionResultType]::ParameterName, 'Show what would be read, and stop')
            [CompletionResult]::new('--no-triage', '--no-triage', [CompletionResultType]::ParameterName, 'Read a large cluster in full instead of only where something stands out')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Let the LLM explain the evidence too')
            [CompletionResult]::new('--llm-show', '--llm-show', [CompletionResultType]::ParameterName, 'Show on stderr what would be sent to the LLM, and send nothing')
            [CompletionResult]::new('--llm-pseudonyms', '--llm-pseudonyms', [CompletionResultType]::ParameterName, 'Send the LLM other names for namespaces, objects, hosts and addresses')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'sre-orch;serve' {
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Listen here [default: 127.0.0.1:8080]')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'Ask for a token of this file (one a line; read again when it changes)')
            [CompletionResult]::new('--tls-cert', '--tls-cert', [CompletionResultType]::ParameterName, 'Speak TLS with this certificate chain (PEM; read again when it changes)')
            [CompletionResult]::new('--tls-key', '--tls-key', [CompletionResultType]::ParameterName, 'The certificate''s private key (PEM)')
            [CompletionResult]::new('--allow-origin', '--allow-origin', [CompletionResultType]::ParameterName, 'Let pages of this origin call the API from a browser (can be repeated)')
            [CompletionResult]::new('--rate-limit', '--rate-limit', [CompletionResultType]::ParameterName, 'Take so many requests a second from one client, twice that at once; 0: any number [default: 100]')
            [CompletionResult]::new('--max-connections', '--max-connections', [CompletionResultType]::ParameterName, 'Keep so many connections open, and close the longest idle beyond that [default: 1024]')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Write logs in this format [default: json]')
            [CompletionResult]::new('--workers', '--workers', [CompletionResultType]::ParameterName, 'Run so many investigations at a time [default: one for each processor]')
            [CompletionResult]::new('--queue', '--queue', [CompletionResultType]::ParameterName, 'Let so many incidents wait, and refuse more [default: 256]')
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Keep so many incidents; the first finished go first [default: 10000]')
            [CompletionResult]::new('--keep-bytes', '--keep-bytes', [CompletionResultType]::ParameterName, 'Keep incidents of so many bytes [default: 256Mi]')
            [CompletionResult]::new('--cache', '--cache', [CompletionResultType]::ParameterName, 'Let investigations share what the cluster answered for so long [default: 5s]')
            [CompletionResult]::new('--drain', '--drain', [CompletionResultType]::ParameterName, 'After SIGTERM let accepted incidents finish for so long, then cancel them [default: 20s]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Look in this namespace (can be repeated)')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Look in this namespace (can be repeated)')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Read this kubeconfig [default: as kubectl does]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Use this context of the kubeconfig [default: the current one]')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'Read as this user')
            [CompletionResult]::new('--bundle', '--bundle', [CompletionResultType]::ParameterName, 'Read a snapshot (directory, .tar or .tar.gz) instead of a cluster')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Count events, log lines and changes since this long before the capture [default: 1h]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Stop reading after this long, and say what was not read [default: 60s]')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Send at most this many requests at a time [default: 16]')
            [CompletionResult]::new('--log-lines', '--log-lines', [CompletionResultType]::ParameterName, 'Read at most this many lines of a container''s log, from its end [default: 2000]')
            [CompletionResult]::new('--max-requests', '--max-requests', [CompletionResultType]::ParameterName, 'Send at most this many requests [default: 5000]')
            [CompletionResult]::new('--max-bytes', '--max-bytes', [CompletionResultType]::ParameterName, 'Receive at most this much, such as 500M [default: 2Gi]')
            [CompletionResult]::new('--graph', '--graph', [CompletionResultType]::ParameterName, 'Merge the failure modes of this directory over the bundled ones (can be repeated)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Let everybody in who can reach the address')
            [CompletionResult]::new('--hygiene', '--hygiene', [CompletionResultType]::ParameterName, 'Report what is bad practice but no fault, too')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Look in all namespaces, which is the default')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Look in all namespaces, which is the default')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'sre-orch;snapshot' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Write the snapshot to this file (.tar.gz)')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Write the snapshot to this file (.tar.gz)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Look in this namespace (can be repeated)')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Look in this namespace (can be repeated)')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Read this kubeconfig [default: as kubectl does]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Use this context of the kubeconfig [default: the current one]')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'Read as this user')
            [CompletionResult]::new('--bundle', '--bundle', [CompletionResultType]::ParameterName, 'Read a snapshot (directory, .tar or .tar.gz) instead of a cluster')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Count events, log lines and changes since this long before the capture [default: 1h]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Stop reading after this long, and say what was not read [default: 60s]')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Send at most this many requests at a time [default: 16]')
            [CompletionResult]::new('--log-lines', '--log-lines', [CompletionResultType]::ParameterName, 'Read at most this many lines of a container''s log, from its end [default: 2000]')
            [CompletionResult]::new('--max-requests', '--max-requests', [CompletionResultType]::ParameterName, 'Send at most this many requests [default: 5000]')
            [CompletionResult]::new('--max-bytes', '--max-bytes', [CompletionResultType]::ParameterName, 'Receive at most this much, such as 500M [default: 2Gi]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace the file where it exists')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Look in all namespaces, which is the default')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Look in all namespaces, which is the default')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'sre-orch;graph' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('lint', 'lint', [CompletionResultType]::ParameterValue, 'Check every failure mode; exit with 1 where one has a problem')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the failure modes')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print one failure mode')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Run the tests of failure modes, and of labelled snapshots; exit with 1 where one fails')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of failure modes, or of reports')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'sre-orch;graph;lint' {
            [CompletionResult]::new('--graph', '--graph', [CompletionResultType]::ParameterName, 'Merge the failure modes of this directory over the bundled ones (can be repeated)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'sre-orch;graph;list' {
            [CompletionResult]::new('--graph', '--graph', [CompletionResultType]::ParameterName, 'Merge the failure modes of this directory over the bundled ones (can be repeated)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'sre-orch;graph;show' {
            [CompletionResult]::new('--graph', '--graph', [CompletionResultType]::ParameterName, 'Merge the failure modes of this directory over the bundled ones (can be repeated)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'sre-orch;graph;test' {
            [CompletionResult]::new('--graph', '--graph', [CompletionResultType]::ParameterName, 'Merge the failure modes of this directory over the bundled ones (can be repeated)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'sre-orch;graph;schema' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]')
            [CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Print the schema of what `investigate -o json` prints instead')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'sre-orch;graph;help' {
            [CompletionResult]::new('lint', 'lint', [CompletionResultType]::ParameterValue, 'Check every failure mode; exit with 1 where one has a problem')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the failure modes')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print one failure mode')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Run the tests of failure modes, and of labelled snapshots; exit with 1 where one fails')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of failure modes, or of reports')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'sre-orch;graph;help;lint' {
            break
        }
        'sre-orch;graph;help;list' {
            break
        }
        'sre-orch;graph;help;show' {
            break
        }
        'sre-orch;graph;help;test' {
            break
        }
        'sre-orch;graph;help;schema' {
            break
        }
        'sre-orch;graph;help;help' {
            break
        }
        'sre-orch;doctor' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Look in this namespace (can be repeated)')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Look in this namespace (can be repeated)')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Read this kubeconfig [default: as kubectl does]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Use this context of the kubeconfig [default: the current one]')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'Read as this user')
            [CompletionResult]::new('--bundle', '--bundle', [CompletionResultType]::ParameterName, 'Read a snapshot (directory, .tar or .tar.gz) instead of a cluster')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Count events, log lines and changes since this long before the capture [default: 1h]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Stop reading after this long, and say what was not read [default: 60s]')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'Send at most this many requests at a time [default: 16]')
            [CompletionResult]::new('--log-lines', '--log-lines', [CompletionResultType]::ParameterName, 'Read at most this many lines of a container''s log, from its end [default: 2000]')
            [CompletionResult]::new('--max-requests', '--max-requests', [CompletionResultType]::ParameterName, 'Send at most this many requests [default: 5000]')
            [CompletionResult]::new('--max-bytes', '--max-bytes', [CompletionResultType]::ParameterName, 'Receive at most this much, such as 500M [default: 2Gi]')
            [CompletionResult]::new('--llm', '--llm', [CompletionResultType]::ParameterName, 'Let an LLM help to read the description: auto, off or a provider [default: off]')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Ask this model [default: the provider''s]')
            [CompletionResult]::new('--llm-url', '--llm-url', [CompletionResultType]::ParameterName, 'Ask the LLM at this address, such as a gateway''s [default: the provider''s]')
            [CompletionResult]::new('--llm-key-file', '--llm-key-file', [CompletionResultType]::ParameterName, 'Read the LLM''s key from this file [default: the provider''s own variable, such as OPENAI_API_KEY]')
            [CompletionResult]::new('--llm-ca-file', '--llm-ca-file', [CompletionResultType]::ParameterName, 'Trust the certificates of this file (PEM) for the LLM, beside the system''s')
            [CompletionResult]::new('--llm-timeout', '--llm-timeout', [CompletionResultType]::ParameterName, 'Go on without the LLM after this long [default: 10s; six times that for --explain]')
            [CompletionResult]::new('--graph', '--graph', [CompletionResultType]::ParameterName, 'Merge the failure modes of this directory over the bundled ones (can be repeated)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Look in all namespaces, which is the default')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Look in all namespaces, which is the default')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Let the LLM explain the evidence too')
            [CompletionResult]::new('--llm-show', '--llm-show', [CompletionResultType]::ParameterName, 'Show on stderr what would be sent to the LLM, and send nothing')
            [CompletionResult]::new('--llm-pseudonyms', '--llm-pseudonyms', [CompletionResultType]::ParameterName, 'Send the LLM other names for namespaces, objects, hosts and addresses')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'sre-orch;rbac' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Print a Role for this namespace alone instead, without cluster-scoped kinds')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Print a Role for this namespace alone instead, without cluster-scoped kinds')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'sre-orch;completions' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'sre-orch;man' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours [default: auto]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log what is done; twice for every detail')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print results and errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'sre-orch;help' {
            [CompletionResult]::new('investigate', 'investigate', [CompletionResultType]::ParameterValue, 'Find the root cause of what is described')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Serve investigations to a team, over HTTP')
            [CompletionResult]::new('snapshot', 'snapshot', [CompletionResultType]::ParameterValue, 'Write a snapshot of the cluster for a later investigation')
            [CompletionResult]::new('graph', 'graph', [CompletionResultType]::ParameterValue, 'Look at, check and test failure modes')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check settings, access and permissions')
            [CompletionResult]::new('rbac', 'rbac', [CompletionResultType]::ParameterValue, 'Print the ClusterRole that sre-orch needs')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a shell''s completions')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'sre-orch;help;investigate' {
            break
        }
        'sre-orch;help;serve' {
            break
        }
        'sre-orch;help;snapshot' {
            break
        }
        'sre-orch;help;graph' {
            [CompletionResult]::new('lint', 'lint', [CompletionResultType]::ParameterValue, 'Check every failure mode; exit with 1 where one has a problem')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the failure modes')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print one failure mode')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Run the tests of failure modes, and of labelled snapshots; exit with 1 where one fails')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of failure modes, or of reports')
            break
        }
        'sre-orch;help;graph;lint' {
            break
        }
        'sre-orch;help;graph;list' {
            break
        }
        'sre-orch;help;graph;show' {
            break
        }
        'sre-orch;help;graph;test' {
            break
        }
        'sre-orch;help;graph;schema' {
            break
        }
        'sre-orch;help;doctor' {
            break
        }
        'sre-orch;help;rbac' {
            break
        }
        'sre-orch;help;completions' {
            break
        }
        'sre-orch;help;man' {
            break
        }
        'sre-orch;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
