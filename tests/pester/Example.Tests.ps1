BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $examples = Resolve-Path "$PSScriptRoot/../../examples"
    $site = Start-AlloyScanSampleSite -Devices 30
    $env:EXAMPLE_SECRET = $site.Credential.GetNetworkCredential().Password
    $store = Join-Path $TestDrive 'examples.db'
    $null = New-AlloyScanSyncJob HQ -SiteUrl $site.SiteUrl -ClientId $site.Credential.UserName -ClientSecretVariable EXAMPLE_SECRET -Store $store

    # Runs an example in a pwsh of its own that nobody sits at.
    function Invoke-Example {
        param([string] $Name, [string[]] $ArgumentList, [hashtable] $Environment = @{})

        $start = [System.Diagnostics.ProcessStartInfo]::new([Environment]::ProcessPath)
        '-NoProfile', '-NonInteractive', '-File', (Join-Path $examples $Name) + $ArgumentList | ForEach-Object { $start.ArgumentList.Add($_) }
        foreach ($entry in $Environment.GetEnumerator()) { $start.Environment[$entry.Key] = $entry.Value }
        $start.Environment['NO_COLOR'] = '1'
        $start.RedirectStandardOutput = $start.RedirectStandardError = $start.RedirectStandardInput = $true
        $process = [System.Diagnostics.Process]::Start($start)
        $process.StandardInput.Close()
        $errors = $process.StandardError.ReadToEndAsync()
        $output = $process.StandardOutput.ReadToEnd()
        $process.WaitForExit()
        [pscustomobject]@{ ExitCode = $process.ExitCode; Output = @($output -split '\r?\n' -ne ''); Error = $errors.Result }
    }
}

AfterAll {
    Remove-Item Env:EXAMPLE_SECRET
    Stop-AlloyScanSampleSite
}

Describe 'scheduled-sync.ps1' {
    It 'writes one line of JSON and ends with 0' {
        $result = Invoke-Example scheduled-sync.ps1 -ArgumentList '-Job', 'HQ', '-Store', $store
        $result.ExitCode | Should -Be 0 -Because $result.Error
        $result.Output.Count | Should -Be 1
        $line = $result.Output[0] | ConvertFrom-Json
        $line.status | Should -Be 'Succeeded'
        $line.devices | Should -Be 30
        $line.created | Should -BeGreaterThan 10
    }

    It 'ends with 4 and says why when the run cannot begin' {
        $result = Invoke-Example scheduled-sync.ps1 -ArgumentList '-Job', 'none', '-Store', $store
        $result.ExitCode | Should -Be 4
        ($result.Output[-1] | ConvertFrom-Json).error_id | Should -Be 'JobNotFound'
        $result.Error | Should -Match "no sync job|no job"
    }

    It 'ends with 4 and the run when the secret is wrong' {
        $result = Invoke-Example scheduled-sync.ps1 -ArgumentList '-Job', 'HQ', '-Store', $store -Environment @{ EXAMPLE_SECRET = 'wrong-secret-000' }
        $result.ExitCode | Should -Be 4
        ($result.Output[-1] | ConvertFrom-Json).status | Should -Be 'Failed'
        "$($result.Output) $($result.Error)" | Should -Not -Match 'wrong-secret-000'
    }

    It 'ends with 2 when its calls are spent' {
        $result = Invoke-Example scheduled-sync.ps1 -ArgumentList '-Job', 'HQ', '-Store', (Join-Path $TestDrive 'budget.db'), '-MaxApiCalls', '9' -Environment @{ ALLOYSCAN_STORE = '' }
        # The job is not in that store.
        $result.ExitCode | Should -Be 4
        $null = New-AlloyScanSyncJob HQ -SiteUrl $site.SiteUrl -ClientId $site.Credential.UserName -ClientSecretVariable EXAMPLE_SECRET -Store (Join-Path $TestDrive 'budget.db')
        $result = Invoke-Example scheduled-sync.ps1 -ArgumentList '-Job', 'HQ', '-Store', (Join-Path $TestDrive 'budget.db'), '-MaxApiCalls', '9'
        $result.ExitCode | Should -Be 2
        ($result.Output[-1] | ConvertFrom-Json).api_calls | Should -BeLessOrEqual 9
    }
}

Describe 'managed-service.ps1' {
    It 'runs every site, and one that fails keeps none from its turn' {
        $sites = Join-Path $TestDrive 'sites.csv'
        @"
Name,SiteUrl,ClientId,SecretVariable
Bad,$($site.SiteUrl),$($site.Credential.UserName),EXAMPLE_UNSET
Good,$($site.SiteUrl),$($site.Credential.UserName),EXAMPLE_SECRET
"@ | Set-Content $sites
        $summary = Join-Path $TestDrive 'summary.csv'
        $result = Invoke-Example managed-service.ps1 -ArgumentList $sites, '-Store', (Join-Path $TestDrive 'service.db'), '-SummaryPath', $summary
        $result.ExitCode | Should -Be 4 -Because $result.Error
        $rows = Import-Csv $summary
        $rows.Site | Should -Be 'Bad', 'Good'
        $rows.Status | Should -Be 'Failed', 'Succeeded'
        $rows[0].Message | Should -Match 'EXAMPLE_UNSET'
    }
}

Describe 'azure-automation-runbook.ps1' {
    It 'takes everything from assets, makes the job once and emits the run' {
        $runbookStore = Join-Path $TestDrive 'runbook.db'
        # What the sandbox has.
        $script = @"
function Get-AutomationPSCredential { param(`$Name) [pscredential]::new('$($site.Credential.UserName)', (ConvertTo-SecureString `$env:EXAMPLE_SECRET -AsPlainText -Force)) }
function Get-AutomationVariable { param(`$Name) '$runbookStore' }
Import-Module `$module
1..2 | ForEach-Object { (& '$examples/azure-automation-runbook.ps1' -SiteUrl '$($site.SiteUrl)' -JobName HQ).Status }
"`$env:ALLOYSCAN_RUNBOOK_SECRET|`$env:ALLOYSCAN_STORE"
"@
        Invoke-Pwsh $script | Should -Be 'Succeeded', 'Succeeded', '|'
        (Get-AlloyScanSyncRun HQ -Store $runbookStore).Count | Should -Be 2
    }

    It 'ends as failed when the run does' {
        $script = @"
function Get-AutomationPSCredential { param(`$Name) [pscredential]::new('$($site.Credential.UserName)', (ConvertTo-SecureString 'wrong-secret-111' -AsPlainText -Force)) }
function Get-AutomationVariable { param(`$Name) '$(Join-Path $TestDrive 'runbook-2.db')' }
Import-Module `$module
try { `$null = & '$examples/azure-automation-runbook.ps1' -SiteUrl '$($site.SiteUrl)' -JobName HQ 2>`$null } catch { "failed: `$_" }
"@
        $lines = Invoke-Pwsh $script
        "$lines" | Should -Match "failed: The sync of 'HQ' ended as Failed"
        "$lines" | Should -Not -Match 'wrong-secret-111'
    }
}

Describe 'pipeline-step.ps1' {
    BeforeAll {
        $file = Join-Path $TestDrive 'hq.json'
        Export-AlloyScanSyncJob HQ -Store $store -Path $file
    }

    It 'rehearses and writes nothing to the CMDB' {
        $pipelineStore = Join-Path $TestDrive 'pipeline.db'
        $result = Invoke-Example pipeline-step.ps1 -ArgumentList '-JobFile', $file, '-Store', $pipelineStore, '-Rehearse'
        $result.ExitCode | Should -Be 0 -Because $result.Error
        "$($result.Output)" | Should -Match '\| Create, Computer \| \d+ \|'
        Get-AlloyCmdbComputer -Store $pipelineStore | Should -BeNullOrEmpty
    }

    It 'runs, and puts a table into the summary' {
        $summary = Join-Path $TestDrive 'summary.md'
        $result = Invoke-Example pipeline-step.ps1 -ArgumentList '-JobFile', $file, '-Store', (Join-Path $TestDrive 'pipeline.db') -Environment @{ GITHUB_ACTIONS = 'true'; GITHUB_STEP_SUMMARY = $summary }
        $result.ExitCode | Should -Be 0 -Because $result.Error
        Get-Content $summary -Raw | Should -Match '\| Succeeded \|'
    }

    It 'annotates what is wrong in the words of <name>' -ForEach @(
        @{ Name = 'GitHub'; Environment = @{ GITHUB_ACTIONS = 'true' }; Expected = '^::error::' }
        @{ Name = 'Azure DevOps'; Environment = @{ TF_BUILD = 'True' }; Expected = '^##vso\[task\.logissue type=error\]' }
    ) {
        $result = Invoke-Example pipeline-step.ps1 -ArgumentList '-JobFile', $file, '-Store', (Join-Path $TestDrive 'pipeline.db') -Environment ($Environment + @{ EXAMPLE_SECRET = '' })
        $result.ExitCode | Should -Be 4
        @($result.Output -match $Expected).Count | Should -BeGreaterThan 0
    }
}

Describe 'Without anybody to answer' {
    It 'does nothing and says so where a person would be asked' {
        $before = (Get-AlloyScanSyncRun HQ -Store $store).Count
        $lines = Invoke-Pwsh "Import-Module `$module; try { Undo-AlloyScanSync HQ -Store '$store' -Confirm -ErrorAction Stop; 'done' } catch { 'refused: ' + `$_.Exception.Message }"
        "$lines" | Should -Match 'refused: '
        (Get-AlloyScanSyncRun HQ -Store $store).Count | Should -Be $before
    }

    It 'asks nothing with -Confirm:$false' {
        Invoke-Pwsh "Import-Module `$module; `$ConfirmPreference = 'Low'; (Invoke-AlloyScanSync HQ -Store '$store' -Confirm:`$false).Status" | Should -Be 'Succeeded'
    }
}

Describe 'two-hosts' {
    It 'looks at the store with the service''s eyes, and shows the unit with -WhatIf' -Skip:(-not $IsLinux) {
        $environment = Join-Path $TestDrive 'environment'
        "# The store`nALLOYSCAN_STORE=$store" | Set-Content $environment
        $program = Join-Path $TestDrive 'alloyscan'
        Set-Content $program '#!/bin/sh'
        & chmod +x $program
        $result = Invoke-Example two-hosts/set-up-host.ps1 -ArgumentList '-EnvironmentFile', $environment, '-Path', $program, '-User', 'root', '-WhatIf'
        $result.ExitCode | Should -Be 0 -Because $result.Error
        "$($result.Output)" | Should -Match 'The store has 1 jobs: HQ'
        "$($result.Output)" | Should -Match ([regex]::Escape("EnvironmentFile=$environment"))
        "$($result.Output)" | Should -Not -Match 'ALLOYSCAN_STORE='
        # The one place that names the store is the file.
        "$($result.Output)" | Should -Match 'alloyscan serve\s+User=root'
    }
}
