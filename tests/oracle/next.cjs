// Answers questions about routes and matchers with Next.js's own functions.
//
//   node next.cjs <folder of the installed next package> <questions.json>
//
// Questions: { app: { files, extensions }, pages: { files, extensions }[], matchers, headers }. The answer is JSON on
// standard output; what Next.js itself prints goes to standard error.
'use strict'
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const [next, questionFile] = process.argv.slice(2)
const from = (file) => require(path.join(next, 'dist', file))
const out = process.stdout.write.bind(process.stdout)
console.log = console.error
console.warn = console.error
process.exit = (code) => {
  throw new Error(`exit ${code}`)
}

function attempt(...files) {
  let problem
  for (const file of files) {
    try {
      return from(file)
    } catch (error) {
      problem = error
    }
  }
  throw problem
}

const discovery = attempt('build/route-discovery', 'build/entries')
const { createValidFileMatcher } = from('server/lib/find-page-file')
const { isAPIRoute } = from('lib/is-api-route')
const { getMiddlewareMatchers } = from('build/analysis/get-page-static-info')
const { SourceSchema } = from('build/segment-config/middleware/middleware-config')
const { getMiddlewareRouteMatcher } = from('shared/lib/router/utils/middleware-route-matcher')
const { getPathMatch } = from('shared/lib/router/utils/path-match')
const loadCustomRoutes = from('lib/load-custom-routes').default
const { modifyRouteRegex } = from('lib/redirect-status')

function plant(files) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'next-oracle-'))
  for (const file of files) {
    fs.mkdirSync(path.join(root, path.dirname(file)), { recursive: true })
    fs.writeFileSync(path.join(root, file), '')
  }
  return root
}

async function appRoutes({ files, extensions }) {
  const root = plant(files.map((file) => `app/${file}`))
  const appDir = path.join(root, 'app')
  const matcher = createValidFileMatcher(extensions, appDir)
  const { appPaths } = await discovery.collectAppFiles(appDir, matcher)
  const mapped = await discovery.createPagesMapping({
    isDev: false,
    pagesType: 'app',
    pageExtensions: extensions,
    pagePaths: appPaths,
    appDir,
    appDirOnly: true,
  })
  const { appRouteHandlers } = discovery.processAppRoutes(mapped, matcher, root, false)
  fs.rmSync(root, { recursive: true })
  return appRouteHandlers
    .map(({ route, filePath }) => [path.relative(appDir, filePath), route])
    .sort()
}

async function pageRoutes({ files, extensions }) {
  const root = plant(files.map((file) => `pages/${file}`))
  const pagesDir = path.join(root, 'pages')
  const matcher = createValidFileMatcher(extensions)
  const pagePaths = await discovery.collectPagesFiles(pagesDir, matcher)
  const mapped = await discovery.createPagesMapping({
    isDev: false,
    pagesType: 'pages',
    pageExtensions: extensions,
    pagePaths,
    pagesDir,
  })
  fs.rmSync(root, { recursive: true })
  // Not processPageRoutes: it lists no `/api` itself, which Next.js serves all the same.
  return Object.entries(mapped)
    .filter(([route]) => isAPIRoute(route))
    .map(([route, file]) => [file.replace(/^private-next-pages\//, ''), route])
    .sort()
}

function middleware({ source, has, missing, locale, basePath, locales, requests }) {
  let compiled
  try {
    if (!SourceSchema.safeParse(source).success) return { refused: true }
    const matcher = { source }
    if (has.length > 0) matcher.has = has
    if (missing.length > 0) matcher.missing = missing
    if (locale === false) matcher.locale = false
    const config = { basePath, i18n: locales.length > 0 ? { locales } : undefined }
    compiled = getMiddlewareMatchers([matcher], config)
  } catch {
    return { refused: true }
  }
  const matches = getMiddlewareRouteMatcher(compiled)
  return {
    regexp: compiled[0].regexp,
    matches: requests.map(({ path, headers, cookies, query, host }) => {
      const all = { ...headers }
      if (host) all.host = host
      return matches(path, { headers: all, cookies }, query)
    }),
  }
}

async function header({ source, basePath, locales, paths }) {
  try {
    const { headers } = await loadCustomRoutes({
      headers: async () => [{ source, headers: [{ key: 'x', value: 'y' }] }],
      basePath,
      i18n: locales.length > 0 ? { locales, defaultLocale: locales[0] } : undefined,
      experimental: {},
      images: {},
    })
    const matches = getPathMatch(headers[0].source, {
      strict: true,
      removeUnnamedParams: true,
      regexModifier: (regexp) => modifyRouteRegex(regexp),
      sensitive: false,
    })
    return { matches: paths.map((path) => matches(path) !== false) }
  } catch {
    return { refused: true }
  }
}

async function main() {
  const questions = JSON.parse(fs.readFileSync(questionFile, 'utf8'))
  const pages = []
  for (const tree of questions.pages) pages.push(await pageRoutes(tree))
  const headers = []
  for (const question of questions.headers) headers.push(await header(question))
  const app = []
  for (const tree of questions.app) app.push(await appRoutes(tree))
  const answer = {
    version: require(path.join(next, 'package.json')).version,
    app,
    pages,
    matchers: questions.matchers.map(middleware),
    headers,
  }
  out(JSON.stringify(answer))
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
