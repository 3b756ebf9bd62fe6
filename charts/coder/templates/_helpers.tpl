{{/* The name of everything this chart makes. */}}
{{- define "coder.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "coder.selectorLabels" -}}
app.kubernetes.io/name: {{ include "coder.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "coder.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "coder.selectorLabels" . }}
app.kubernetes.io/part-of: coder
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "coder.image" -}}
{{- printf "%s:%s" .Values.coder.image.repo (default .Chart.AppVersion .Values.coder.image.tag) }}
{{- end }}

{{- define "coder.hasPrometheus" -}}
{{- range .Values.coder.env }}
{{- if and (eq .name "CODER_PROMETHEUS_ENABLE") (eq (toString .value) "true") }}true{{ end }}
{{- end }}
{{- end }}

{{/* Whether a volume keeps the configuration directory, and in it the data of the built-in Postgres. */}}
{{- define "coder.keepsConfig" -}}
{{- range .Values.coder.volumeMounts }}
{{- if has (trimSuffix "/" .mountPath) (list "/home/coder" "/home/coder/.config" "/home/coder/.config/coderv2") }}true{{ end }}
{{- end }}
{{- end }}

{{/* What is wrong with these values though each of them is well formed. */}}
{{- define "coder.refuseContradictions" -}}
{{- if .Values.coder.workspaceProxy }}
{{- fail "coder.workspaceProxy: workspace proxies come later; this chart runs the server only." }}
{{- end }}
{{- if gt (int .Values.coder.replicaCount) 1 }}
{{- fail "coder.replicaCount must be 0 or 1: links between servers come later, and without them a workspace is reachable only by the server that its agent is connected to." }}
{{- end }}
{{- $given := dict }}
{{- range .Values.coder.env }}
{{- if has .name (list "CODER_HTTP_ADDRESS" "CODER_TLS_ENABLE" "CODER_TLS_ADDRESS" "CODER_TLS_CERT_FILE" "CODER_TLS_KEY_FILE") }}
{{- fail (printf "coder.env must not contain %s: the chart sets it. Certificates are named by coder.tls.secretNames." .name) }}
{{- else if eq .name "CODER_PROMETHEUS_ADDRESS" }}
{{- fail "coder.env must not contain CODER_PROMETHEUS_ADDRESS: the chart sets it to 0.0.0.0:2112, where its port is." }}
{{- else if eq .name "CODER_PROVISIONER_DAEMON_PSK" }}
{{- fail "coder.env must not contain CODER_PROVISIONER_DAEMON_PSK: put it into a Secret and name that in provisionerDaemon.pskSecretName." }}
{{- end }}
{{- $_ := set $given .name true }}
{{- end }}
{{- if empty .Values.coder.envFrom }}
{{- if hasKey $given "CODER_PG_CONNECTION_URL" }}
{{- if not (hasKey $given "CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS") }}
{{- fail "coder.env needs CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS beside CODER_PG_CONNECTION_URL: secrets in the database are encrypted with them. Make a Secret with the output of `openssl rand -base64 32`." }}
{{- end }}
{{- else if not (include "coder.keepsConfig" .) }}
{{- fail "coder.env needs CODER_PG_CONNECTION_URL, the URL of a Postgres. Without one, the server runs its own, which needs a volume at /home/coder/.config (coder.volumes, coder.volumeMounts)." }}
{{- end }}
{{- end }}
{{- end }}

{{/* What the chart sets. */}}
{{- define "coder.ownEnv" -}}
- name: CODER_HTTP_ADDRESS
  value: 0.0.0.0:8080
- name: CODER_PROMETHEUS_ADDRESS
  value: 0.0.0.0:2112
- name: CODER_CACHE_DIRECTORY
  value: /home/coder/.cache/coder
{{- if .Values.coder.envUseClusterAccessURL }}
- name: CODER_ACCESS_URL
  value: http://{{ include "coder.name" . }}.{{ .Release.Namespace }}.svc.cluster.local
{{- end }}
{{- if .Values.coder.certs.secrets }}
# Node.js, unlike Terraform, does not look there by itself.
- name: SSL_CERT_DIR
  value: /etc/ssl/certs
{{- end }}
{{- with .Values.provisionerDaemon.pskSecretName }}
- name: CODER_PROVISIONER_DAEMON_PSK
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: psk
{{- end }}
{{- if .Values.coder.tls.secretNames }}
{{- $certificates := list }}
{{- $keys := list }}
{{- range .Values.coder.tls.secretNames }}
{{- $certificates = append $certificates (printf "/etc/coder/tls/%s/tls.crt" .) }}
{{- $keys = append $keys (printf "/etc/coder/tls/%s/tls.key" .) }}
{{- end }}
- name: CODER_TLS_ENABLE
  value: "true"
- name: CODER_TLS_ADDRESS
  value: 0.0.0.0:8443
- name: CODER_TLS_CERT_FILE
  value: {{ join "," $certificates }}
- name: CODER_TLS_KEY_FILE
  value: {{ join "," $keys }}
{{- end }}
{{- end }}

{{/* The user's variables after ours; one that he sets himself is not repeated. */}}
{{- define "coder.env" -}}
{{- $given := dict }}
{{- range .Values.coder.env }}
{{- $_ := set $given .name true }}
{{- end }}
{{- $env := list }}
{{- range include "coder.ownEnv" . | fromYamlArray }}
{{- if not (hasKey $given .name) }}
{{- $env = append $env . }}
{{- end }}
{{- end }}
{{- concat $env .Values.coder.env | toYaml }}
{{- end }}

{{- define "coder.volumes" -}}
- name: cache
  emptyDir: {}
- name: tmp
  emptyDir: {}
{{- range .Values.coder.tls.secretNames }}
- name: tls-{{ . }}
  secret:
    secretName: {{ . }}
{{- end }}
{{- range .Values.coder.certs.secrets }}
- name: ca-cert-{{ .name }}
  secret:
    secretName: {{ .name }}
{{- end }}
{{- with .Values.coder.volumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "coder.volumeMounts" -}}
- name: cache
  mountPath: /home/coder/.cache
- name: tmp
  mountPath: /tmp
{{- range .Values.coder.tls.secretNames }}
- name: tls-{{ . }}
  mountPath: /etc/coder/tls/{{ . }}
  readOnly: true
{{- end }}
{{- range .Values.coder.certs.secrets }}
- name: ca-cert-{{ .name }}
  mountPath: /etc/ssl/certs/{{ .name }}.crt
  subPath: {{ .key }}
  readOnly: true
{{- end }}
{{- with .Values.coder.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}
