/**
 * Serves the viewer's three files: the page, at each of its addresses, and the script and style sheet that it names.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { resolveInstalled } from '../../load-module.ts';
import type { FileAnswer } from '../http/answer.ts';
import { HttpError } from '../http/http-error.ts';
import type { Operation, RouteRequest, Routes } from '../http/route.ts';
import type { FirstData, ViewerStore } from '../store/viewer-store.ts';
import { readFirstData, withFirstData } from './first-data.ts';
import { fillIn } from './page-template.ts';

const ASSET_TYPES = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8' } as const;
/** An asset's name contains a hash of its content, so a browser can keep it for ever. */
const ASSET_HEADERS = { 'Cache-Control': 'public, max-age=31536000, immutable' };

/** Others wrote everything that is shown: no inline code, nothing from elsewhere, no frames, no forms. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const PAGE_HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

/** Everyone gets the files; only a caller who may read gets a page with data in it. */
export function createPageRoutes(viewer: ViewerStore): Routes {
  const assets = new Map<string, FileAnswer>();
  let template: string | undefined;

  const findAsset = async ({ id: name }: RouteRequest): Promise<FileAnswer> => {
    const asset = assets.get(name) ?? readAsset(name);
    if (!asset) throw new HttpError(404, 'Not Found');
    assets.set(name, asset);
    return asset;
  };

  const answerPage = async (root: string, data: FirstData | undefined): Promise<FileAnswer> => {
    template ??= readBuiltFile('index.html')?.toString();
    if (template === undefined) throw new HttpError(404, 'the viewer is not built: run npm run build');
    const address = root.replaceAll('&', '&amp;');
    const page = fillIn(fillIn(template, 'styleRoot', address), 'scriptRoot', address);
    const bytes = Buffer.from(withFirstData(page, data));
    const gzip = () => gzipSync(bytes, { level: 1 });
    return { kind: 'file', type: 'text/html; charset=utf-8', bytes, gzip, headers: PAGE_HEADERS };
  };

  const writePage = async ({ id, query, caller, root }: RouteRequest): Promise<FileAnswer> =>
    answerPage(root, caller.may.has('read') ? await readFirstData(viewer, id, query) : undefined);

  const page: Operation = { needs: 'nothing', run: writePage };
  return {
    '/': { GET: page },
    '/overview': { GET: { needs: 'nothing', run: ({ root }) => answerPage(root, undefined) } },
    '/sessions/:id': { GET: page },
    '/viewer/assets/:id': { GET: { needs: 'nothing', run: findAsset } },
  };
}

function readAsset(name: string): FileAnswer | undefined {
  const [, extension] = /^viewer-[\w-]+\.(js|css)$/.exec(name) ?? [];
  const bytes = extension && readBuiltFile(name);
  if (!bytes) return undefined;
  const gzipped = gzipSync(bytes, { level: 9 });
  const type = ASSET_TYPES[extension as keyof typeof ASSET_TYPES];
  return { kind: 'file', type, bytes, gzip: () => gzipped, headers: ASSET_HEADERS };
}

/**
 * Reads what `npm run build` has made. The package finds itself by its name: from the sources, from `dist`, and from a
 * bundle if the package is installed beside it.
 */
function readBuiltFile(name: string): Buffer | undefined {
  try {
    return readFileSync(join(dirname(resolveInstalled('humanloop-otel/package.json')), 'dist', 'viewer', name));
  } catch {
    return undefined;
  }
}
