import {
  type EvaluatedParameter,
  evaluateParameters,
  mayDeclare,
  parseTemplateFiles,
  type TemplateFiles,
} from "@slipway/template";

/** A template's parameters as an import can know them, for values that somebody could choose. */
export type ImportForm = (inputs: Readonly<Record<string, string>>) => {
  parameters: EvaluatedParameter[];
  /** Whether a parameter of this name may appear that only a build decides on. */
  mayAppear(name: string): boolean;
};

/** Parses the sources once. What is wrong with them is told elsewhere. */
export async function openImportForm(
  files: TemplateFiles,
  variables: readonly { name: string; value: string }[],
): Promise<ImportForm> {
  const template = await parseTemplateFiles(files);
  const given = Object.fromEntries(variables.map(({ name, value }) => [name, value]));
  return (inputs) => {
    const { parameters, undecided } = evaluateParameters(template, files, {
      variables: given,
      inputs,
      workspace: { name: "default", transition: "start" },
    });
    return { parameters, mayAppear: (name) => mayDeclare(undecided, name) };
  };
}
