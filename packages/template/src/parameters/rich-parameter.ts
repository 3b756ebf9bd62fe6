/** A parameter that a template asks its users for (provisioning.md §13.3, `coder_parameter`). */
export type RichParameter = {
  name: string;
  displayName: string;
  description: string;
  type: ParameterType;
  formType: string;
  mutable: boolean;
  defaultValue: string;
  icon: string;
  options: ParameterOption[];
  validationRegex?: string;
  validationError?: string;
  validationMin?: number;
  validationMax?: number;
  validationMonotonic?: "increasing" | "decreasing";
  required: boolean;
  ephemeral: boolean;
  order: number;
};

export type ParameterType = "string" | "number" | "bool" | "list(string)";

export type ParameterOption = { name: string; description: string; value: string; icon: string };
