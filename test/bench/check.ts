// `node test/bench/check.ts [--manifests 1000] [--rounds 5]`: `goldenpath check` as CI runs it, start of the process included, against 2 s on 1 000 manifests (issue 5 § Speed).
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { parse } from 'yaml';
import { versionsSchema } from '../../domain/versions.ts';
import { line } from './show.ts';

const { values } = parseArgs({ options: { manifests: { type: 'string', default: '1000' }, rounds: { type: 'string', default: '5' } } });
const ROOT = resolve(import.meta.dirname, '../..');
const BUILD = '21-11-26-01';
const GOAL_SECONDS = 2;

/** What a team's rendered chart holds: of every four files one Deployment, one Service, one Ingress, one ConfigMap. */
async function manifests(): Promise<string[]> {
  const { images } = versionsSchema.parse(parse(await readFile(join(ROOT, 'environments/versions.yaml'), 'utf8')));
  const [image] = Object.values(images);
  const pinned = `${image?.repository ?? ''}@${image?.digest ?? ''}`;
  const labels = (name: string) => `  labels:\n    app.kubernetes.io/name: ${name}\n    app.kubernetes.io/instance: ${name}\n    app.kubernetes.io/managed-by: Helm\n    helm.sh/chart: ${name}-1.2.3\n`;
  return [
    `# Source: shop/templates/deployment.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: NAME\n  namespace: shop\n${labels('NAME')}spec:\n  replicas: 3\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: NAME\n  template:\n    metadata:\n      labels:\n        app.kubernetes.io/name: NAME\n    spec:\n      serviceAccountName: NAME\n      securityContext:\n        runAsNonRoot: true\n      containers:\n        - name: app\n          image: ${pinned}\n          args:\n            - --port=8080\n            - --log-format=json\n          env:\n            - name: DATABASE_HOST\n              valueFrom:\n                secretKeyRef:\n                  name: NAME-postgres\n                  key: host\n            - name: LOG_LEVEL\n              value: info\n          ports:\n            - name: http\n              containerPort: 8080\n          readinessProbe:\n            httpGet:\n              path: /healthz\n              port: http\n          resources:\n            requests:\n              cpu: 100m\n              memory: 128Mi\n            limits:\n              memory: 256Mi\n`,
    `# Source: shop/templates/service.yaml\napiVersion: v1\nkind: Service\nmetadata:\n  name: NAME\n  namespace: shop\n${labels('NAME')}spec:\n  type: ClusterIP\n  ports:\n    - name: http\n      port: 80\n      targetPort: http\n  selector:\n    app.kubernetes.io/name: NAME\n`,
    `# Source: shop/templates/ingress.yaml\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: NAME\n  namespace: shop\n${labels('NAME')}spec:\n  ingressClassName: kong\n  tls:\n    - hosts:\n        - NAME.b-${BUILD}.dev.goldenpathidp.io\n      secretName: NAME-tls\n  rules:\n    - host: NAME.b-${BUILD}.dev.goldenpathidp.io\n      http:\n        paths:\n          - path: /\n            pathType: Prefix\n            backend:\n              service:\n                name: NAME\n                port:\n                  name: http\n`,
    `# Source: shop/templates/configmap.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: NAME\n  namespace: shop\n${labels('NAME')}data:\n  application.yaml: |\n    server:\n      port: 8080\n    features:\n      - search\n      - basket\n`,
  ];
}

/** Elapsed time and processor time of one command, in seconds, by the shell's own clock. */
async function time(...command: string[]): Promise<{ elapsed: number; processor: number }> {
  const { stderr } = await promisify(execFile)('bash', ['-c', 'TIMEFORMAT="%R %U %S"; time "$@" > /dev/null', 'bash', ...command], { cwd: ROOT });
  const [elapsed = 0, user = 0, system = 0] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  return { elapsed, processor: user + system };
}

const count = Number(values.manifests);
const folder = await mkdtemp(join(tmpdir(), 'goldenpath-bench-'));
try {
  const kinds = await manifests();
  await Promise.all(Array.from({ length: count }, (_, index) => writeFile(join(folder, `${index}.yaml`), (kinds[index % kinds.length] ?? '').replaceAll('NAME', `app-${index}`))));
  const rounds = [];
  for (let round = 0; round < Number(values.rounds); round += 1) rounds.push(await time(process.execPath, 'client/cli/main.ts', 'check', '--env', 'dev', '--build-id', BUILD, folder));
  const best = rounds.toSorted((a, b) => a.elapsed - b.elapsed)[0] ?? { elapsed: Number.NaN, processor: Number.NaN };
  const middle = rounds.toSorted((a, b) => a.elapsed - b.elapsed)[Math.floor(rounds.length / 2)] ?? best;
  const { elapsed: start } = await time(process.execPath, 'client/cli/main.ts', '--version');
  process.stdout.write(`goldenpath check on ${count} manifests, ${rounds.length} times; load of the machine ${loadavg()[0]?.toFixed(1) ?? ''}\n`);
  line('the best', `${best.elapsed.toFixed(2)} s`, `goal ≤ ${GOAL_SECONDS} s`);
  line('the middle one', `${middle.elapsed.toFixed(2)} s`);
  line('processor time of the best', `${best.processor.toFixed(2)} s`);
  line('of that, starting the command', `${start.toFixed(2)} s`);
} finally {
  await rm(folder, { recursive: true });
}
