/** What --help prints. */
export const help = `Usage: multi-nic-concheck [OPTION...]                    checks the pods that this node has attached
       multi-nic-concheck --netns NAME=PATH[,ADDRESS...]... checks these network namespaces
       multi-nic-concheck serve [--port N]                  answers in a pod, until it is ended
       multi-nic-concheck client --server HOST... [OPTION...] checks from a pod all that serve
       multi-nic-concheck manifests --network NAME --hosts N [--namespace NAME] [--image IMAGE]
                                                            prints the Kubernetes manifests that do so in a cluster
Asks from within every pod every address of every other, by TCP and by UDP, from the pod's own address on the same NIC,
and measures the bandwidth of what answers with iperf3, one after another. It changes nothing.

  --state-dir DIR           a state folder with attachments; again for another
                            (MULTI_NIC_CNI_STATE_DIR, else /run/multi-nic-cni)
  --network NAME            only this network
  --netns NAME=PATH[,...]   a pod by its namespace; without addresses, all of its links but loopback
  --no-bandwidth            leave iperf3 out
  --seconds N               of each measurement (1)
  --bandwidth-parallel N    measurements at a time (1): more of them share the machine
  --timeout SECONDS         for one answer (2)
  --parallel N              probes at a time (64)
  --max-time SECONDS        for all of it (600); what was not asked by then is not connected
  --hosts N                 how many serve: client waits for them, and those that do not come are not connected
  --port N                  of serve and client (11917); iperf3 has the next one
  --json                    one JSON document
  --quiet                   no progress on stderr
  --help, --version

Exit code: 0 all connected, 1 some not, 64 wrong arguments or nothing to check, 70 it could not be checked.
`;
