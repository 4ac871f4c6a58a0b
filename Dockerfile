FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE NOTICE ./
COPY moderation ./moderation
COPY worker ./worker
COPY templates ./templates
RUN python -m venv /opt/hausordnung \
    && /opt/hausordnung/bin/pip install --no-cache-dir --constraint requirements.lock .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/hausordnung --create-home hausordnung
COPY --from=build /opt/hausordnung /opt/hausordnung
ENV PATH=/opt/hausordnung/bin:$PATH PYTHONUNBUFFERED=1 MODERATION_HOME=/var/lib/hausordnung
USER hausordnung
WORKDIR /var/lib/hausordnung
EXPOSE 8000
CMD ["gunicorn", "moderation:create_app()", "--bind", "0.0.0.0:8000", "--workers", "2", "--config", "python:moderation.serving"]
