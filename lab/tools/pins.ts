// The binaries of the lab and how each is built: one Go module a tool under tools/<module>/ (design: lab, "Building the binaries").
// Versions live in those go.mod files; this table repeats one only where a program on PATH has to be recognised.

export type ToolName =
  | 'temporal'
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubectl'
  | 'kwok'
  | 'external-dns'
  | 'argocd'
  | 'helm';

/** How one binary is built and recognised. */
export interface Pin {
  readonly name: ToolName;
  /** Folder under tools/ that holds its go.mod. */
  readonly module: string;
  /** The main package. */
  readonly package: string;
  /** Linker flags besides `-s -w`; without them Kubernetes reports an empty version. */
  readonly ldflags: string;
  /** Arguments that make a program on PATH print its version, and what the right one prints. */
  readonly version: { readonly args: readonly string[]; readonly prints: RegExp };
}

const KUBERNETES_LDFLAGS = [
  '-X k8s.io/component-base/version.gitVersion=v1.36.3',
  '-X k8s.io/component-base/version.gitMajor=1',
  '-X k8s.io/component-base/version.gitMinor=36',
].join(' ');

function kubernetes(name: ToolName, args: readonly string[]): Pin {
  return {
    name,
    module: 'kubernetes',
    package: `k8s.io/kubernetes/cmd/${name}`,
    ldflags: KUBERNETES_LDFLAGS,
    version: { args, prints: /v1\.36\.3\b/ },
  };
}

/** In the order in which they are built: what a developer waits for first comes first. */
export const PINS: readonly Pin[] = [
  {
    name: 'temporal',
    module: 'temporal',
    package: 'github.com/temporalio/cli/cmd/temporal',
    ldflags: '-X github.com/temporalio/cli/internal/temporalcli.Version=1.8.2',
    version: { args: ['--version'], prints: /1\.8\.2 \(Server 1\.32\.0/ },
  },
  {
    name: 'etcd',
    module: 'etcd',
    package: 'go.etcd.io/etcd/server/v3',
    ldflags: '',
    version: { args: ['--version'], prints: /etcd Version: 3\.6\.16\b/ },
  },
  kubernetes('kube-apiserver', ['--version']),
  kubernetes('kube-controller-manager', ['--version']),
  kubernetes('kube-scheduler', ['--version']),
  kubernetes('kubectl', ['version', '--client']),
  {
    name: 'kwok',
    module: 'kwok',
    package: 'sigs.k8s.io/kwok/cmd/kwok',
    ldflags: '',
    version: { args: ['--version'], prints: /\bv?0\.8\.0\b/ },
  },
  {
    name: 'external-dns',
    module: 'external-dns',
    package: 'sigs.k8s.io/external-dns',
    ldflags: '-X sigs.k8s.io/external-dns/pkg/apis/externaldns.Version=v0.21.0',
    version: { args: ['--version'], prints: /\bv0\.21\.0\b/ },
  },
  {
    name: 'argocd',
    module: 'argocd',
    package: 'github.com/argoproj/argo-cd/v3/cmd',
    // Upstream's fixed /tmp/reposerver-ask-pass.sock would be shared by every lab and user of the machine; this one lies in the process's own folder.
    ldflags: '-X github.com/argoproj/argo-cd/v3/common.version=3.2.11 -X github.com/argoproj/argo-cd/v3/util/askpass.SocketPath=ask-pass.sock',
    version: { args: ['version', '--client', '--short'], prints: /\bv3\.2\.11\b/ },
  },
  {
    name: 'helm',
    module: 'helm',
    package: 'helm.sh/helm/v3/cmd/helm',
    ldflags: '-X helm.sh/helm/v3/internal/version.version=v3.21.4',
    version: { args: ['version', '--short'], prints: /\bv3\.21\.4\b/ },
  },
];

/** Upstream manifests that are read from a module's own source, never copied into this repository. */
export const MANIFEST_MODULES = {
  argocd: { module: 'argocd', path: 'github.com/argoproj/argo-cd/v3' },
  kwok: { module: 'kwok', path: 'sigs.k8s.io/kwok' },
  externalSecrets: { module: 'manifests', path: 'github.com/external-secrets/external-secrets' },
  certManager: { module: 'manifests', path: 'github.com/cert-manager/cert-manager' },
} as const;
