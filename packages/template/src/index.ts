export { type ArchiveLimits, DEFAULT_LIMITS, formatBytes, PUSH_LIMITS } from "./archive/archive-limits.ts";
export type { ArchiveEntry } from "./archive/check-entries.ts";
export { extractTar } from "./archive/extract-tar.ts";
export { isTerraformFile, type PackedDirectory, packDirectory } from "./archive/pack-directory.ts";
export { checkTar, listTar, readTarFile, readTarFiles, type TarSource } from "./archive/read-tar.ts";
export { tarToZip } from "./archive/tar-to-zip.ts";
export { type TarInput, writeTar } from "./archive/write-tar.ts";
export { zipToTar } from "./archive/zip-to-tar.ts";
export { type Diagnostic, formatDiagnostic } from "./hcl/diagnostic.ts";
export {
  type EvaluatedParameter,
  evaluateParameters,
  mayDeclare,
  type ParameterDiagnostic,
  type ParameterDiagnosticCode,
} from "./hcl/module/evaluate-parameters.ts";
export type { EvaluationInputs, WorkspaceFacts, WorkspaceOwner } from "./hcl/module/evaluation-inputs.ts";
export type { OpenedTemplate } from "./hcl/module/opened-template.ts";
export { parseTemplateFiles } from "./hcl/module/parse-template.ts";
export type { ParsedTemplate } from "./hcl/module/parsed-template.ts";
export { type PlanData, planDataOf } from "./hcl/module/plan-data.ts";
export {
  createTemplateCache,
  type TemplateArchives,
  type TemplateCache,
} from "./hcl/module/template-cache.ts";
export { readTemplateFiles, type TemplateFiles, templateFilesOf } from "./hcl/module/template-source.ts";
export { isAutoTfvars, parseTfvars } from "./hcl/parse-values-file.ts";
export { parseVariables, type TemplateVariable } from "./hcl/parse-variables.ts";
export { parseWorkspaceTags, type TagInputs } from "./hcl/parse-workspace-tags.ts";
export { type RootBlock, readRootBlocks, readRootFiles } from "./hcl/template-files.ts";
export { agentInitScript, supportedPlatforms } from "./init-script.ts";
export { checkModuleArchive, MODULE_LIMITS, unpackModules } from "./modules/module-archive.ts";
export { type PackedModules, packModules } from "./modules/pack-modules.ts";
export {
  isValidDisplayName,
  isValidGroupName,
  isValidName,
  isValidTemplateVersionName,
} from "./name-rules.ts";
export { matchesGoPattern, PatternError } from "./parameters/go-regexp.ts";
export { plaintext } from "./parameters/plaintext.ts";
export {
  type RenderedParameter,
  type RenderParameters,
  resolveDynamicParameters,
} from "./parameters/resolve-dynamic-parameters.ts";
export {
  type ResolvedParameters,
  type ResolveInput,
  resolveParameters,
} from "./parameters/resolve-parameters.ts";
export type { ParameterOption, ParameterType, RichParameter } from "./parameters/rich-parameter.ts";
export {
  validateParameterDefinition,
  validateParameterValue,
} from "./parameters/validate-parameter-value.ts";
export { parseReadmeFrontMatter, type Readme } from "./parse-readme-front-matter.ts";
export {
  describeTagProblems,
  explainTags,
  ownTags,
  startCommand,
  type TagProblem,
  tagsInWords,
} from "./tags/explain-tags.ts";
export { normalizeTags, type Tags } from "./tags/normalize-tags.ts";
export { tagsMatch } from "./tags/tags-match.ts";
export { TemplateError, type TemplateErrorCode } from "./template-error.ts";
