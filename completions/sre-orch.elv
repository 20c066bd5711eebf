
use builtin;
use str;

set edit:completion:arg-completer[sre-orch] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'sre-orch'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'sre-orch'= {
            cand --color 'When to use colours [default: auto]'
            cand --config 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]'
            cand -v 'Log what is done; twice for every detail'
            cand --verbose 'Log what is done; twice for every detail'
            cand -q 'Print results and errors only'
            cand --quiet 'Print results and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand investigate 'Find the root cause of what is described'
            cand serve 'Serve investigations to a team, over HTTP'
            cand snapshot 'Write a snapshot of the cluster for a later investigation'
            cand graph 'Look at, check and test failure modes'
            cand doctor 'Check settings, access and permissions'
            cand rbac 'Print the ClusterRole that sre-orch needs'
            cand completions 'Print a shell''s completions'
            cand man 'Print the manual page'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'sre-orch;investigate'= {
            cand -n 'Look in this namespace (can be repeated)'
            cand --namespace 'Look in this namespace (can be repeated)'
            cand -l 'Look only at what has these labels, and what it leads to'
            cand --selector 'Look only at what has these labels, and what it leads to'
            cand --kubeconfig 'Read this kubeconfig [default: as kubectl does]'
            cand --context 'Use this context of the kubeconfig [default: the current one]'
            cand --as 'Read as this user'
            cand --bundle 'Read a snapshot (directory, .tar or .tar.gz) instead of a cluster'
            cand -o 'Print the report in this format [default: table]'
            cand --output 'Print the report in this format [default: table]'
            cand --top 'Show at most this many hypotheses in table, wide and markdown [default: 3]'
            cand --fail-on 'Exit with 3 when a hypothesis or other finding has this confidence, and with 1 when it cannot be told'
            cand --ignore 'Report the known findings of this file as ignored (YAML: cause, object, reason, expires)'
            cand --since 'Count events, log lines and changes since this long before the capture [default: 1h]'
            cand --timeout 'Stop reading after this long, and say what was not read [default: 60s]'
            cand --concurrency 'Send at most this many requests at a time [default: 16]'
            cand --log-lines 'Read at most this many lines of a container''s log, from its end [default: 2000]'
            cand --max-requests 'Send at most this many requests [default: 5000]'
            cand --max-bytes 'Receive at most this much, such as 500M [default: 2Gi]'
            cand --llm 'Let an LLM help to read the description: auto, off or a provider [default: off]'
            cand --model 'Ask this model [default: the provider''s]'
            cand --llm-url 'Ask the LLM at this address, such as a gateway''s [default: the provider''s]'
            cand --llm-key-file 'Read the LLM''s key from this file [default: the provider''s own variable, such as OPENAI_API_KEY]'
            cand --llm-ca-file 'Trust the certificates of this file (PEM) for the LLM, beside the system''s'
            cand --llm-timeout 'Go on without the LLM after this long [default: 10s; six times that for --explain]'
            cand --graph 'Merge the failure modes of this directory over the bundled ones (can be repeated)'
            cand --color 'When to use colours [default: auto]'
            cand --config 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]'
            cand -A 'Look in all namespaces, which is the default'
            cand --all-namespaces 'Look in all namespaces, which is the default'
            cand --hygiene 'Report what is bad practice but no fault, too'
            cand --plan 'Show what would be read, and stop'
            cand --no-triage 'Read a large cluster in full instead of only where something stands out'
            cand --explain 'Let the LLM explain the evidence too'
            cand --llm-show 'Show on stderr what would be sent to the LLM, and send nothing'
            cand --llm-pseudonyms 'Send the LLM other names for namespaces, objects, hosts and addresses'
            cand -v 'Log what is done; twice for every detail'
            cand --verbose 'Log what is done; twice for every detail'
            cand -q 'Print results and errors only'
            cand --quiet 'Print results and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'sre-orch;serve'= {
            cand --listen 'Listen here [default: 127.0.0.1:8080]'
            cand --token-file 'Ask for a token of this file (one a line; read again when it changes)'
            cand --tls-cert 'Speak TLS with this certificate chain (PEM; read again when it changes)'
            cand --tls-key 'The certificate''s private key (PEM)'
            cand --allow-origin 'Let pages of this origin call the API from a browser (can be repeated)'
            cand --rate-limit 'Take so many requests a second from one client, twice that at once; 0: any number [default: 100]'
            cand --max-connections 'Keep so many connections open, and close the longest idle beyond that [default: 1024]'
            cand --log-format 'Write logs in this format [default: json]'
            cand --workers 'Run so many investigations at a time [default: one for each processor]'
            cand --queue 'Let so many incidents wait, and refuse more [default: 256]'
            cand --keep 'Keep so many incidents; the first finished go first [default: 10000]'
            cand --keep-bytes 'Keep incidents of so many bytes [default: 256Mi]'
            cand --cache 'Let investigations share what the cluster answered for so long [default: 5s]'
            cand --drain 'After SIGTERM let accepted incidents finish for so long, then cancel them [default: 20s]'
            cand -n 'Look in this namespace (can be repeated)'
            cand --namespace 'Look in this namespace (can be repeated)'
            cand --kubeconfig 'Read this kubeconfig [default: as kubectl does]'
            cand --context 'Use this context of the kubeconfig [default: the current one]'
            cand --as 'Read as this user'
            cand --bundle 'Read a snapshot (directory, .tar or .tar.gz) instead of a cluster'
            cand --since 'Count events, log lines and changes since this long before the capture [default: 1h]'
            cand --timeout 'Stop reading after this long, and say what was not read [default: 60s]'
            cand --concurrency 'Send at most this many requests at a time [default: 16]'
            cand --log-lines 'Read at most this many lines of a container''s log, from its end [default: 2000]'
            cand --max-requests 'Send at most this many requests [default: 5000]'
            cand --max-bytes 'Receive at most this much, such as 500M [default: 2Gi]'
            cand --graph 'Merge the failure modes of this directory over the bundled ones (can be repeated)'
            cand --color 'When to use colours [default: auto]'
            cand --config 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]'
            cand --insecure 'Let everybody in who can reach the address'
            cand --hygiene 'Report what is bad practice but no fault, too'
            cand -A 'Look in all namespaces, which is the default'
            cand --all-namespaces 'Look in all namespaces, which is the default'
            cand -v 'Log what is done; twice for every detail'
            cand --verbose 'Log what is done; twice for every detail'
            cand -q 'Print results and errors only'
            cand --quiet 'Print results and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'sre-orch;snapshot'= {
            cand -f 'Write the snapshot to this file (.tar.gz)'
            cand --file 'Write the snapshot to this file (.tar.gz)'
            cand -n 'Look in this namespace (can be repeated)'
            cand --namespace 'Look in this namespace (can be repeated)'
            cand --kubeconfig 'Read this kubeconfig [default: as kubectl does]'
            cand --context 'Use this context of the kubeconfig [default: the current one]'
            cand --as 'Read as this user'
            cand --bundle 'Read a snapshot (directory, .tar or .tar.gz) instead of a cluster'
            cand --since 'Count events, log lines and changes since this long before the capture [default: 1h]'
            cand --timeout 'Stop reading after this long, and say what was not read [default: 60s]'
            cand --concurrency 'Send at most this many requests at a time [default: 16]'
            cand --log-lines 'Read at most this many lines of a container''s log, from its end [default: 2000]'
            cand --max-requests 'Send at most this many requests [default: 5000]'
            cand --max-bytes 'Receive at most this much, such as 500M [default: 2Gi]'
            cand --color 'When to use colours [default: auto]'
            cand --config 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]'
            cand --force 'Replace the file where it exists'
            cand -A 'Look in all namespaces, which is the default'
            cand --all-namespaces 'Look in all namespaces, which is the default'
            cand -v 'Log what is done; twice for every detail'
            cand --verbose 'Log what is done; twice for every detail'
            cand -q 'Print results and errors only'
            cand --quiet 'Print results and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'sre-orch;graph'= {
            cand --color 'When to use colours [default: auto]'
            cand --config 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]'
            cand -v 'Log what is done; twice for every detail'
            cand --verbose 'Log what is done; twice for every detail'
            cand -q 'Print results and errors only'
            cand --quiet 'Print results and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand lint 'Check every failure mode; exit with 1 where one has a problem'
            cand list 'List the failure modes'
            cand show 'Print one failure mode'
            cand test 'Run the tests of failure modes, and of labelled snapshots; exit with 1 where one fails'
            cand schema 'Print the JSON Schema of failure modes, or of reports'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'sre-orch;graph;lint'= {
            cand --graph 'Merge the failure modes of this directory over the bundled ones (can be repeated)'
            cand --color 'When to use colours [default: auto]'
            cand --config 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]'
            cand -v 'Log what is done; twice for every detail'
            cand --verbose 'Log what is done; twice for every detail'
            cand -q 'Print results and errors only'
            cand --quiet 'Print results and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'sre-orch;graph;list'= {
            cand --graph 'Merge the failure modes of this directory over the bundled ones (can be repeated)'
            cand --color 'When to use colours [default: auto]'
            cand --config 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]'
            cand -v 'Log what is done; twice for every detail'
            cand --verbose 'Log what is done; twice for every detail'
            cand -q 'Print results and errors only'
            cand --quiet 'Print results and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'sre-orch;graph;show'= {
            cand --graph 'Merge the failure modes of this directory over the bundled ones (can be repeated)'
            cand --color 'When to use colours [default: auto]'
            cand --config 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]'
            cand -v 'Log what is done; twice for every detail'
            cand --verbose 'Log what is done; twice for every detail'
            cand -q 'Print results and errors only'
            cand --quiet 'Print results and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'sre-orch;graph;test'= {
            cand --graph 'Merge the failure modes of this directory over the bundled ones (can be repeated)'
            cand --color 'When to use colours [default: auto]'
            cand --config 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]'
            cand -v 'Log what is done; twice for every detail'
            cand --verbose 'Log what is done; twice for every detail'
            cand -q 'Print results and errors only'
            cand --quiet 'Print results and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'sre-orch;graph;schema'= {
            cand --color 'When to use colours [default: auto]'
            cand --config 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]'
            cand --report 'Print the schema of what `investigate -o json` prints instead'
            cand -v 'Log what is done; twice for every detail'
            cand --verbose 'Log what is done; twice for every detail'
            cand -q 'Print results and errors only'
            cand --quiet 'Print results and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'sre-orch;graph;help'= {
            cand lint 'Check every failure mode; exit with 1 where one has a problem'
            cand list 'List the failure modes'
            cand show 'Print one failure mode'
            cand test 'Run the tests of failure modes, and of labelled snapshots; exit with 1 where one fails'
            cand schema 'Print the JSON Schema of failure modes, or of reports'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'sre-orch;graph;help;lint'= {
        }
        &'sre-orch;graph;help;list'= {
        }
        &'sre-orch;graph;help;show'= {
        }
        &'sre-orch;graph;help;test'= {
        }
        &'sre-orch;graph;help;schema'= {
        }
        &'sre-orch;graph;help;help'= {
        }
        &'sre-orch;doctor'= {
            cand -n 'Look in this namespace (can be repeated)'
            cand --namespace 'Look in this namespace (can be repeated)'
            cand --kubeconfig 'Read this kubeconfig [default: as kubectl does]'
            cand --context 'Use this context of the kubeconfig [default: the current one]'
            cand --as 'Read as this user'
            cand --bundle 'Read a snapshot (directory, .tar or .tar.gz) instead of a cluster'
            cand --since 'Count events, log lines and changes since this long before the capture [default: 1h]'
            cand --timeout 'Stop reading after this long, and say what was not read [default: 60s]'
            cand --concurrency 'Send at most this many requests at a time [default: 16]'
            cand --log-lines 'Read at most this many lines of a container''s log, from its end [default: 2000]'
            cand --max-requests 'Send at most this many requests [default: 5000]'
            cand --max-bytes 'Receive at most this much, such as 500M [default: 2Gi]'
            cand --llm 'Let an LLM help to read the description: auto, off or a provider [default: off]'
            cand --model 'Ask this model [default: the provider''s]'
            cand --llm-url 'Ask the LLM at this address, such as a gateway''s [default: the provider''s]'
            cand --llm-key-file 'Read the LLM''s key from this file [default: the provider''s own variable, such as OPENAI_API_KEY]'
            cand --llm-ca-file 'Trust the certificates of this file (PEM) for the LLM, beside the system''s'
            cand --llm-timeout 'Go on without the LLM after this long [default: 10s; six times that for --explain]'
            cand --graph 'Merge the failure modes of this directory over the bundled ones (can be repeated)'
            cand --color 'When to use colours [default: auto]'
            cand --config 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]'
            cand -A 'Look in all namespaces, which is the default'
            cand --all-namespaces 'Look in all namespaces, which is the default'
            cand --explain 'Let the LLM explain the evidence too'
            cand --llm-show 'Show on stderr what would be sent to the LLM, and send nothing'
            cand --llm-pseudonyms 'Send the LLM other names for namespaces, objects, hosts and addresses'
            cand -v 'Log what is done; twice for every detail'
            cand --verbose 'Log what is done; twice for every detail'
            cand -q 'Print results and errors only'
            cand --quiet 'Print results and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'sre-orch;rbac'= {
            cand -n 'Print a Role for this namespace alone instead, without cluster-scoped kinds'
            cand --namespace 'Print a Role for this namespace alone instead, without cluster-scoped kinds'
            cand --color 'When to use colours [default: auto]'
            cand --config 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]'
            cand -v 'Log what is done; twice for every detail'
            cand --verbose 'Log what is done; twice for every detail'
            cand -q 'Print results and errors only'
            cand --quiet 'Print results and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'sre-orch;completions'= {
            cand --color 'When to use colours [default: auto]'
            cand --config 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]'
            cand -v 'Log what is done; twice for every detail'
            cand --verbose 'Log what is done; twice for every detail'
            cand -q 'Print results and errors only'
            cand --quiet 'Print results and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'sre-orch;man'= {
            cand --color 'When to use colours [default: auto]'
            cand --config 'Read this configuration file [default: sre-orch/config.yaml in the user''s configuration directory]'
            cand -v 'Log what is done; twice for every detail'
            cand --verbose 'Log what is done; twice for every detail'
            cand -q 'Print results and errors only'
            cand --quiet 'Print results and errors only'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'sre-orch;help'= {
            cand investigate 'Find the root cause of what is described'
            cand serve 'Serve investigations to a team, over HTTP'
            cand snapshot 'Write a snapshot of the cluster for a later investigation'
            cand graph 'Look at, check and test failure modes'
            cand doctor 'Check settings, access and permissions'
            cand rbac 'Print the ClusterRole that sre-orch needs'
            cand completions 'Print a shell''s completions'
            cand man 'Print the manual page'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'sre-orch;help;investigate'= {
        }
        &'sre-orch;help;serve'= {
        }
        &'sre-orch;help;snapshot'= {
        }
        &'sre-orch;help;graph'= {
            cand lint 'Check every failure mode; exit with 1 where one has a problem'
            cand list 'List the failure modes'
            cand show 'Print one failure mode'
            cand test 'Run the tests of failure modes, and of labelled snapshots; exit with 1 where one fails'
            cand schema 'Print the JSON Schema of failure modes, or of reports'
        }
        &'sre-orch;help;graph;lint'= {
        }
        &'sre-orch;help;graph;list'= {
        }
        &'sre-orch;help;graph;show'= {
        }
        &'sre-orch;help;graph;test'= {
        }
        &'sre-orch;help;graph;schema'= {
        }
        &'sre-orch;help;doctor'= {
        }
        &'sre-orch;help;rbac'= {
        }
        &'sre-orch;help;completions'= {
        }
        &'sre-orch;help;man'= {
        }
        &'sre-orch;help;help'= {
        }
    ]
    $completions[$command]
}
