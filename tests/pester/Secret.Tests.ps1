BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $site = Start-AlloyScanSampleSite -Devices 30
    $secret = $site.Credential.GetNetworkCredential().Password
    $store = Join-Path $TestDrive 'secret.db'
}

AfterAll {
    Get-AlloyScanConnection | Disconnect-AlloyScan
    Stop-AlloyScanSampleSite
}

Describe 'The client secret' {
    It 'appears in no stream of the main job' {
        $VerbosePreference = $DebugPreference = $InformationPreference = 'Continue'
        $all = & {
            $site
            $site | Connect-AlloyScan
            Get-AlloyScanConnection | Format-List *
            Test-AlloyScanConnection -Detailed | Format-List *
            Get-AlloyScanDevice | Select-Object -First 2 | Get-AlloyScanSnapshot | ConvertTo-Json -Depth 6
            New-AlloyScanSyncJob HQ -Store $store | Format-List *
            Get-AlloyScanSyncJob -Store $store | ConvertTo-Json -Depth 6
            Get-AlloyScanSyncPlan HQ -Store $store
            Invoke-AlloyScanSync HQ -Store $store | Format-List *
            Test-AlloyScanSync HQ -Store $store | Format-List *
            Set-AlloyScanSyncJob HQ -SiteUrl 'http://127.0.0.1:9' -SiteChange SameSite -Store $store -PassThru
            Invoke-AlloyScanSync HQ -Store $store -ErrorAction Continue
            $Error | Select-Object -First 3 | ForEach-Object { $_ | Format-List * -Force; $_.Exception.ToString() }
        } *>&1 | Out-String -Width 4096
        $all.Length | Should -BeGreaterThan 5000
        $all | Should -Not -BeLike "*$secret*"
        $all | Should -Not -Match 'Bearer\s+[A-Za-z0-9]'
    }

    It 'is not in the store in readable form' {
        foreach ($file in Get-ChildItem "$store*") {
            # SQLite keeps the files open; reading beside it is allowed.
            $stream = [System.IO.FileStream]::new($file.FullName, 'Open', 'Read', 'ReadWrite')
            try {
                $bytes = [byte[]]::new($stream.Length)
                $stream.ReadExactly($bytes, 0, $bytes.Length)
            }
            finally {
                $stream.Dispose()
            }

            [System.Text.Encoding]::Latin1.GetString($bytes) | Should -Not -BeLike "*$secret*"
        }
    }

    It 'is not in the error when the site refuses it' {
        $wrong = 'Xq7-not-the-secret-0815'
        $credential = [pscredential]::new($site.ClientId, (ConvertTo-SecureString $wrong -AsPlainText -Force))
        $record = Get-ErrorOf { Connect-AlloyScan $site.SiteUrl $credential -Verbose }
        $record.FullyQualifiedErrorId | Should -BeLike 'InvalidClient,*'
        ($record | Format-List * -Force | Out-String) + $record.Exception.ToString() | Should -Not -BeLike "*$wrong*"
    }

    It 'is not in the arguments of the sample site''s process' {
        if (-not $IsLinux) {
            Set-ItResult -Skipped -Because 'arguments of a process are read from /proc'
            return
        }

        Get-Content "/proc/$($site.ProcessId)/cmdline" -Raw | Should -Not -BeLike "*$secret*"
    }

    It 'appears nowhere when the site has the fault <_> and sends credentials back' -ForEach 'echo', 'echo-list', 'echo-token', 'html', 'wrong-types' {
        $hostile = Start-AlloyScanSampleSite -Devices 30 -Fault $_
        $secret = $hostile.Credential.GetNetworkCredential().Password
        $store = Join-Path $TestDrive "$_.db"
        $export = Join-Path $TestDrive "$_.json"
        $clixml = Join-Path $TestDrive "$_.clixml"
        $Error.Clear()
        $VerbosePreference = $DebugPreference = $InformationPreference = 'Continue'
        $ErrorActionPreference = 'Continue'
        $all = & {
            try { $hostile | Connect-AlloyScan } catch { $_ }
            $hostile | Test-AlloyScanConnection -Detailed | Format-List * -Force
            try { Get-AlloyScanDevice | Select-Object -First 20 | Get-AlloyScanSnapshot | Out-String } catch { $_ }
            $hostile | New-AlloyScanSyncJob Bad -Store $store | Format-List * -Force
            try { Invoke-AlloyScanSync Bad -Store $store -Debug -Verbose | Format-List * -Force } catch { $_ }
            Test-AlloyScanSync Bad -Store $store | Format-List * -Force
            Get-AlloyScanSyncRun -Store $store | ConvertTo-Json -Depth 6
            Get-AlloyScanSyncError -Store $store | ConvertTo-Json -Depth 6
            Get-AlloyScanSyncChange -Store $store | Select-Object -First 5 | Out-String
            Export-AlloyScanSyncJob Bad -Store $store -Path $export
            $Error | ForEach-Object { $_ | Format-List * -Force; $_.Exception.ToString(); Get-Error -InputObject $_ }
            $Error | Export-Clixml $clixml -Depth 4
        } *>&1 | Out-String -Width 4096
        Get-AlloyScanConnection | Where-Object SiteUrl -EQ $hostile.SiteUrl | Disconnect-AlloyScan
        Stop-AlloyScanSampleSite $hostile

        $Error.Count | Should -BeGreaterThan 0
        $all.Length | Should -BeGreaterThan 2000
        $files = $export, $clixml | ForEach-Object { Get-Content $_ -Raw }
        $base64 = [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($secret)).TrimEnd('=')
        foreach ($text in @($all) + $files) {
            $text | Should -Not -BeLike "*$secret*"
            $text | Should -Not -BeLike "*$base64*"
            # Tokens of the sample site are words of 43 characters.
            $text | Should -Not -Match '(?<![A-Za-z0-9_+/-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_+/=-])'
        }
    }

    It 'is given by a file or an environment variable without being shown' {
        $file = Join-Path $TestDrive 'secret.txt'
        Set-Content $file $secret
        $env:ALLOYSCAN_PESTER_SECRET = $secret
        try {
            $all = & {
                New-AlloyScanSyncJob ByFile -SiteUrl $site.SiteUrl -ClientId $site.ClientId -ClientSecretFile $file -Store $store -Verbose | Format-List * -Force
                New-AlloyScanSyncJob ByVariable -SiteUrl $site.SiteUrl -ClientId $site.ClientId -ClientSecretVariable ALLOYSCAN_PESTER_SECRET -Store $store -Verbose | Format-List * -Force
                'ByFile', 'ByVariable' | Invoke-AlloyScanSync -Store $store -Verbose -Debug | Format-List * -Force
                'ByFile', 'ByVariable' | Export-AlloyScanSyncJob -Store $store
            } *>&1 | Out-String -Width 4096
        }
        finally {
            $env:ALLOYSCAN_PESTER_SECRET = $null
        }

        $all | Should -BeLike '*Succeeded*'
        $all | Should -Not -BeLike "*$secret*"
    }
}
