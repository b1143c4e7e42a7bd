// The lab's stand-ins for controllers that cannot run here, for one cluster. Each acts only while the Deployment it stands
// for is available. README.md says what is real and what is not.
import { certManager } from './cert-manager.ts';
import { ebsCsi } from './ebs-csi.ts';
import { externalSecrets } from './external-secrets.ts';
import { kong } from './kong.ts';
import { openKube } from './kube.ts';
import { loadBalancerController } from './load-balancer/index.ts';
import { Runner, type StandInState } from './runner.ts';

export type { StandInState } from './runner.ts';

export interface ControllersInput {
  /** Kubeconfig of a cluster administrator. */
  kubeconfigPath: string;
  clusterName: string;
  region: string;
  /** The gateway: every AWS call of every stand-in goes there, STS included. */
  awsEndpoint: string;
  /** Told one line at each change of a stand-in's state and at each failed attempt. */
  onLog?: (line: string) => void;
}

export interface Controllers {
  list(): StandInState[];
  /** Ends every watch; resolves when nothing runs any more. */
  stop(): Promise<void>;
}

/** Starts the stand-ins of a cluster. They need no credentials: each assumes the role of the service account it stands for. */
export function startControllers({ kubeconfigPath, clusterName, region, awsEndpoint, onLog = () => {} }: ControllersInput): Controllers {
  const kube = openKube(kubeconfigPath);
  const settings = { endpoint: awsEndpoint, region };
  const standIns = [loadBalancerController(settings), kong, externalSecrets(settings), certManager(settings), ebsCsi(settings, clusterName)];
  const runners = standIns.map((standIn) => new Runner(kube, standIn, onLog));
  return {
    list: () => runners.map((runner) => runner.state()),
    async stop() {
      await Promise.all(runners.map((runner) => runner.stop()));
    },
  };
}
