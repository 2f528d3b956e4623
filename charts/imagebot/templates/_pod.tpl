{{/* The pod of both workloads. */}}
{{- define "imagebot.pod" -}}
metadata:
  labels:
    {{- include "imagebot.selector" . | nindent 4 }}
    {{- if ((.Values.cloud).azure).clientId }}
    azure.workload.identity/use: "true"
    {{- end }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: imagebot
    {{- if .Values.rolloutOnChange }}
    checksum/settings: {{ include "imagebot.settings" . | sha256sum }}
    {{- end }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "imagebot.serviceAccount" . }}
  automountServiceAccountToken: {{ (.Values.serviceAccount).automountToken | default false }}
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ add .Values.graceSeconds 10 }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.runtimeClassName }}
  runtimeClassName: {{ . }}
  {{- end }}
  {{- range $key := list "imagePullSecrets" "hostAliases" "dnsConfig" "nodeSelector" "tolerations" "affinity" }}
  {{- with index $.Values $key }}
  {{ $key }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- if .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml .Values.topologySpreadConstraints | nindent 4 }}
  {{- else if gt (int .Values.replicas) 1 }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "imagebot.selector" . | nindent 10 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  {{- with .Values.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: imagebot
      image: {{ include "imagebot.image" . | quote }}
      {{- with .Values.image.pullPolicy }}
      imagePullPolicy: {{ . }}
      {{- end }}
      args:
        - run
        - --grace={{ .Values.graceSeconds }}s
        - --log-format={{ .Values.logs.format }}
        - --log-level={{ .Values.logs.level }}
        {{- with .Values.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      env:
        - name: IMAGEBOT_SETTINGS
          value: /etc/imagebot/settings.yaml
        {{- if (.Values.extraCA).configMapName }}
        - name: SSL_CERT_FILE
          value: /etc/ssl/certs/ca-certificates.crt
        - name: REQUESTS_CA_BUNDLE
          value: /etc/ssl/certs/ca-certificates.crt
        {{- end }}
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .Values.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: http
          containerPort: 8080
          protocol: TCP
      startupProbe:
        httpGet:
          path: /healthz
          port: http
        periodSeconds: 5
        failureThreshold: {{ div (add .Values.probes.startupSeconds 4) 5 }}
        timeoutSeconds: {{ .Values.probes.timeoutSeconds }}
      livenessProbe:
        httpGet:
          path: /healthz
          port: http
        periodSeconds: 20
        timeoutSeconds: {{ .Values.probes.timeoutSeconds }}
      readinessProbe:
        httpGet:
          path: /readyz
          port: http
        periodSeconds: 10
        timeoutSeconds: {{ .Values.probes.timeoutSeconds }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: ["ALL"]
      {{- with .Values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - name: data
          mountPath: /var/lib/imagebot
        - name: settings
          mountPath: /etc/imagebot
          readOnly: true
        {{- if .Values.secretName }}
        - name: secrets
          mountPath: /run/secrets/imagebot
          readOnly: true
        {{- end }}
        {{- if not (include "imagebot.isFile" .) }}
        - name: store
          mountPath: /run/secrets/imagebot-store
          readOnly: true
        {{- end }}
        {{- if (.Values.extraCA).configMapName }}
        # Where git and Python look: one file, in the place of the system's.
        - name: ca
          mountPath: /etc/ssl/certs/ca-certificates.crt
          subPath: ca-certificates.crt
          readOnly: true
        {{- end }}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with .Values.sidecars }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    - name: settings
      configMap:
        name: {{ include "imagebot.fullname" . }}
    {{- if and (include "imagebot.isFile" .) (.Values.persistence).existingClaim }}
    - name: data
      persistentVolumeClaim:
        claimName: {{ .Values.persistence.existingClaim }}
    {{- else if not (and (include "imagebot.isFile" .) (.Values.persistence).enabled) }}
    - name: data
      emptyDir:
        {{- with (.Values.scratch).sizeLimit }}
        sizeLimit: {{ . }}
        {{- else }}
        {}
        {{- end }}
    {{- end }}
    {{- if .Values.secretName }}
    - name: secrets
      secret:
        secretName: {{ .Values.secretName }}
        defaultMode: 0440
    {{- end }}
    {{- with (.Values.store).postgresql }}
    {{- if .secretName }}
    - name: store
      secret:
        secretName: {{ .secretName }}
        defaultMode: 0440
        items:
          - key: {{ .key }}
            path: url
    {{- end }}
    {{- end }}
    {{- with .Values.extraCA }}
    {{- if .configMapName }}
    - name: ca
      configMap:
        name: {{ .configMapName }}
        items:
          - key: {{ .key }}
            path: ca-certificates.crt
    {{- end }}
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
